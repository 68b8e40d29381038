-- Contacts, consents and people. All of it is this hub's own, but for the lines that consents let out.

-- A role contact of one of this hub's records. Nothing of it is signed without a consent in force. Times are seconds since 1970.
CREATE TABLE contact (
  n         INTEGER PRIMARY KEY AUTOINCREMENT, -- a local number, never signed, and never given twice: consents name it
  rec       BLOB NOT NULL,
  role      TEXT NOT NULL,
  email     TEXT, phone TEXT, url TEXT, hours TEXT, notes TEXT,
  made      INTEGER NOT NULL,
  confirmed INTEGER NOT NULL              -- when somebody last said that it is right
);
CREATE INDEX contact_rec ON contact (rec);

-- A person. In no part, feed, index, export or log; the Rust type cannot be serialised.
CREATE TABLE person (
  n         INTEGER PRIMARY KEY AUTOINCREMENT,
  rec       BLOB,                         -- the group they stand for, if any
  name      TEXT NOT NULL,
  role      TEXT NOT NULL,
  email     TEXT, phone TEXT, address TEXT, needs TEXT, notes TEXT,
  made      INTEGER NOT NULL,
  confirmed INTEGER NOT NULL
);
CREATE INDEX person_rec ON person (rec);
-- Who looked at or changed whose entry: what was done, never what it says.
CREATE TABLE person_log (at INTEGER NOT NULL, person INTEGER NOT NULL, what TEXT NOT NULL);

-- What people were told, word for word, by its SHA-256.
CREATE TABLE notice (hash TEXT PRIMARY KEY, version TEXT NOT NULL, text TEXT NOT NULL, since INTEGER NOT NULL) WITHOUT ROWID;

-- Who agreed to what. Kept when the contact or person goes: it holds local numbers, labels and dates only.
CREATE TABLE consent (
  n         INTEGER PRIMARY KEY,
  contact   INTEGER,                      -- of a role contact …
  person    INTEGER,                      -- … or of a person
  fields    TEXT NOT NULL,                -- joined by commas
  notice    TEXT NOT NULL REFERENCES notice (hash),
  medium    TEXT NOT NULL,
  by_role   TEXT NOT NULL,                -- in what role it was obtained
  given     TEXT NOT NULL,                -- day
  review    TEXT NOT NULL,                -- the last day on which it counts
  withdrawn TEXT                          -- day
);
CREATE INDEX consent_contact ON consent (contact) WHERE contact IS NOT NULL;
-- For whom: a hub's id, or `public`.
CREATE TABLE consent_reader (
  consent INTEGER NOT NULL REFERENCES consent (n), reader TEXT NOT NULL, PRIMARY KEY (consent, reader)
) WITHOUT ROWID;

-- Partner hubs that may read contact parts at all, by id. Each line is asked of the consents besides.
CREATE TABLE contact_reader (hub TEXT PRIMARY KEY, since INTEGER NOT NULL) WITHOUT ROWID;

-- Lines of contact parts, our own and partners', apart from public lines. `pos` as in `leaf`.
CREATE TABLE contact_line (pos INTEGER PRIMARY KEY, line TEXT NOT NULL);
-- What the own line at a position holds: this decides who reads it.
CREATE TABLE contact_holds (
  pos INTEGER NOT NULL, contact INTEGER NOT NULL, field TEXT NOT NULL, PRIMARY KEY (pos, contact, field)
) WITHOUT ROWID;
-- To whom an own line was given: whom to tell when it is withdrawn.
CREATE TABLE contact_served (pos INTEGER NOT NULL, hub TEXT NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (pos, hub)) WITHOUT ROWID;
-- Derived: which records' newest put names a contact part.
CREATE TABLE contact_slot (
  hub INTEGER NOT NULL, rec BLOB NOT NULL, pos INTEGER NOT NULL, rev INTEGER NOT NULL, digest TEXT NOT NULL,
  asked INTEGER NOT NULL DEFAULT 0,       -- when its line was last asked for
  PRIMARY KEY (hub, rec)
) WITHOUT ROWID;
-- How asking a partner hub for its contact parts goes.
CREATE TABLE contact_source (hub INTEGER PRIMARY KEY, state TEXT NOT NULL, at INTEGER NOT NULL);

-- Records that are not signed before a person has looked at what their words seem to tell.
CREATE TABLE held (
  n      INTEGER PRIMARY KEY,
  rec    BLOB NOT NULL UNIQUE,
  rev    INTEGER NOT NULL,                -- of the record when it was held; 0 of a new one
  name   TEXT NOT NULL,
  public TEXT NOT NULL,                   -- JSON of the part that would be signed
  found  TEXT NOT NULL,                   -- JSON: what was found
  since  INTEGER NOT NULL
);
-- What people decided about texts, by digest of member and text.
CREATE TABLE held_decision (mark TEXT PRIMARY KEY, released INTEGER NOT NULL, at INTEGER NOT NULL) WITHOUT ROWID;
