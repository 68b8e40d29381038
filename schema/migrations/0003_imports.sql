-- Kept: imports, so that each can be looked at and undone; sources that are read on a schedule; mappings by name.
-- All of it is this hub's own business and goes nowhere.

-- One import: what was done together, and is undone together. Times are seconds since 1970.
CREATE TABLE import_batch (
  n        INTEGER PRIMARY KEY,
  at       INTEGER NOT NULL,
  list     BLOB NOT NULL,
  new_list INTEGER NOT NULL,              -- whether the list was made by it
  source   TEXT NOT NULL,                 -- the file's name, or the source's address
  plan     TEXT NOT NULL,                 -- digest of the plan that was carried out
  counts   TEXT NOT NULL,                 -- JSON: how many rows of each kind
  undone   INTEGER                        -- when it was undone
);

-- What an import did to one record. `before` is what the record said, until that may no longer be kept.
CREATE TABLE import_change (
  batch  INTEGER NOT NULL REFERENCES import_batch (n),
  rec    BLOB NOT NULL,
  rev    INTEGER NOT NULL,                -- the revision that it made
  made   INTEGER NOT NULL,                -- whether it made the record
  before TEXT,
  PRIMARY KEY (batch, rec)
) WITHOUT ROWID;
CREATE INDEX import_change_rec ON import_change (rec, rev);

-- What was erased is not kept for undoing either.
CREATE TRIGGER import_erased AFTER INSERT ON erasure WHEN NEW.hub = 1 BEGIN
  UPDATE import_change SET before = NULL WHERE rec = NEW.rec;
END;
CREATE TRIGGER import_erased_again AFTER UPDATE ON erasure WHEN NEW.hub = 1 BEGIN
  UPDATE import_change SET before = NULL WHERE rec = NEW.rec;
END;

-- Records that their list no longer names, until a person says what becomes of them.
CREATE TABLE import_asked (
  list BLOB NOT NULL, rec BLOB NOT NULL, since INTEGER NOT NULL, PRIMARY KEY (list, rec)
) WITHOUT ROWID;

-- By what an imported record is known again when its words are gone: digests of its row's reference, and of name and place.
-- So a group that this hub has taken back, or erased, does not return with the next edition of its list.
CREATE TABLE import_key (
  list BLOB NOT NULL, key BLOB NOT NULL, rec BLOB NOT NULL, PRIMARY KEY (list, key, rec)
) WITHOUT ROWID;
CREATE INDEX import_key_rec ON import_key (rec);

-- Which column of a file feeds which field, by a name that people chose or by the list's title; TOML.
CREATE TABLE mapping (name TEXT PRIMARY KEY, text TEXT NOT NULL) WITHOUT ROWID;

-- A list that is read from an address on a schedule, and how that goes.
CREATE TABLE source (
  list         BLOB PRIMARY KEY,
  url          TEXT NOT NULL,
  format       TEXT NOT NULL,
  schedule     TEXT NOT NULL,
  paused       INTEGER NOT NULL DEFAULT 0,
  cursor       TEXT,                      -- where a feed of changes goes on
  last_try     INTEGER,
  last_success INTEGER,
  last_change  INTEGER,
  failures     INTEGER NOT NULL DEFAULT 0,
  next_due     INTEGER NOT NULL DEFAULT 0,
  state        TEXT NOT NULL DEFAULT 'new', -- stable code of the last outcome
  reason       TEXT NOT NULL DEFAULT ''     -- the same in words
) WITHOUT ROWID;
