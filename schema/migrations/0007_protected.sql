-- Places that must not be known. Kept, and this hub's own: nothing of it is signed, served, exported, indexed or logged.

-- What a safety level withholds of one of this hub's records; of a level at which nothing is signed, the whole row.
-- `value` is read by store/protected.rs alone.
CREATE TABLE protected (
  rec     BLOB PRIMARY KEY,               -- the record's id: signed without this, or not signed at all
  list    BLOB,
  level   TEXT NOT NULL,
  since   INTEGER NOT NULL,               -- seconds since 1970
  public_from INTEGER,                    -- since when everybody could read it before; NULL: never
  value   TEXT NOT NULL                   -- JSON of a group record, only of what is withheld
) WITHOUT ROWID;

-- Words of a record that hold something of what is withheld, and of which a person said that they give nothing away:
-- SHA-256 of the text, so that other words are looked at again.
CREATE TABLE protected_words (rec BLOB NOT NULL, digest BLOB NOT NULL, PRIMARY KEY (rec, digest)) WITHOUT ROWID;

-- A level that one person wants to lower, until a second confirms it. `person` is not sent anywhere.
CREATE TABLE safety_proposal (
  rec    BLOB PRIMARY KEY,
  level  TEXT NOT NULL,
  person TEXT NOT NULL,
  role   TEXT NOT NULL,
  at     INTEGER NOT NULL
) WITHOUT ROWID;

-- What was done to levels here, and by whom. Persons and roles only of lowering.
CREATE TABLE safety_change (
  n         INTEGER PRIMARY KEY,
  rec       BLOB NOT NULL,
  at        INTEGER NOT NULL,
  before    TEXT NOT NULL,
  after     TEXT NOT NULL,
  person    TEXT, role TEXT,
  confirmed TEXT, confirmed_role TEXT
);

-- How far the place of a group may be known. Derived, as the rest of the table.
ALTER TABLE grp ADD COLUMN level TEXT NOT NULL DEFAULT 'open';
CREATE INDEX grp_level ON grp (n) WHERE level <> 'open';
