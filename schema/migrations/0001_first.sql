-- Kept: what was signed or said, by us and by partner hubs. Nothing here can be derived from anything else here.

-- What this database belongs to: identity, keys' fingerprint, as-of date and policy of the derived tables.
CREATE TABLE setting (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

-- A hub: number 1 is this one.
CREATE TABLE hub (
  n        INTEGER PRIMARY KEY,
  id       TEXT NOT NULL UNIQUE,
  name     TEXT NOT NULL,
  document BLOB NOT NULL            -- newest verified hub document, as received
);

-- A hub's log. `held` leaves are stored and verified, `head` of them are what the registry sees.
CREATE TABLE log (
  n          INTEGER PRIMARY KEY,
  hub        INTEGER NOT NULL UNIQUE REFERENCES hub (n),
  origin     TEXT NOT NULL,
  vkey       TEXT NOT NULL,
  peer       TEXT NOT NULL,
  held       INTEGER NOT NULL DEFAULT 0,
  edge       BLOB NOT NULL DEFAULT x'',   -- right edge of the tree at `held`
  head       INTEGER NOT NULL DEFAULT 0,
  checkpoint BLOB,                        -- newest verified checkpoint, as received; of our own log, the published one
  tail_bytes INTEGER NOT NULL DEFAULT 0,  -- length of the last part bundle as last read: where a Range may begin
  latest     INTEGER NOT NULL DEFAULT 0   -- latest effective time below `head`
);

-- pos = log << 40 | index. `line` is the public part as received, NULL when there is none, withheld, superseded or erased.
-- `hash` is NULL except for a leaf whose server removed its bytes (an empty note): there it stands in for them in the tree.
CREATE TABLE leaf (pos INTEGER PRIMARY KEY, note BLOB NOT NULL, line TEXT, hash BLOB);

-- Roots of full bundles, for the upper level of the tree.
CREATE TABLE bundle (log INTEGER NOT NULL, n INTEGER NOT NULL, root BLOB NOT NULL, PRIMARY KEY (log, n)) WITHOUT ROWID;

-- The never-again list: public parts of this record up to this revision were erased by their hub.
CREATE TABLE erasure (
  hub INTEGER NOT NULL, rec BLOB NOT NULL, upto INTEGER NOT NULL, PRIMARY KEY (hub, rec)
) WITHOUT ROWID;

-- How a partner hub is pulled, and how that goes. Times are seconds since 1970.
CREATE TABLE partner (
  hub          INTEGER PRIMARY KEY REFERENCES hub (n),
  url          TEXT NOT NULL,
  schedule     TEXT,                      -- NULL: the configuration's
  paused       INTEGER NOT NULL DEFAULT 0,
  etag         TEXT,
  last_try     INTEGER,
  last_success INTEGER,
  last_change  INTEGER,
  caught_up    INTEGER,                   -- when all it had signed was first held; until then no change of it is a mass change
  failures     INTEGER NOT NULL DEFAULT 0,
  retry_after  INTEGER,
  next_due     INTEGER NOT NULL DEFAULT 0,
  state        TEXT NOT NULL DEFAULT 'new', -- stable code of the last outcome
  reason       TEXT NOT NULL DEFAULT '',    -- the same in words
  waiting      TEXT,                        -- JSON of a mass change that waits for a person
  disputed     TEXT                         -- JSON of two notes that prove a fork
);

-- Derived: made again from the above by `registry rebuild`.

-- Leaves that say nothing, and why: a stable code.
CREATE TABLE void (pos INTEGER PRIMARY KEY, code TEXT NOT NULL);

-- One row per record or list of any hub, folded from its leaves below `head`.
CREATE TABLE record (
  first     INTEGER PRIMARY KEY,          -- pos of its first leaf: its number for ever
  hub       INTEGER NOT NULL,
  rec       BLOB NOT NULL,
  kind      INTEGER NOT NULL,             -- 0 list, 1 group record
  put       INTEGER,                      -- pos of its newest put
  put_rev   INTEGER NOT NULL,             -- revision of that put
  rev       INTEGER NOT NULL,             -- highest revision of any statement
  withdrawn INTEGER NOT NULL,
  said      INTEGER NOT NULL,             -- effective time of that put
  assured   TEXT,                         -- JSON of the newest affirm since
  affirmed  INTEGER NOT NULL,             -- effective time of that affirm
  state     TEXT NOT NULL,                -- live, withdrawn, erased, withheld, unreadable:<code>; again: to be derived again
  keys      BLOB NOT NULL,                -- link keys, 8 bytes each
  grp       INTEGER                       -- the group it belongs to
);
CREATE UNIQUE INDEX record_id ON record (hub, rec);
CREATE INDEX record_grp ON record (grp) WHERE grp IS NOT NULL;
-- Few, and looked for at every turn: without these each look would go through every record.
CREATE INDEX record_list ON record (hub) WHERE kind = 0;
CREATE INDEX record_again ON record (first) WHERE state = 'again';
CREATE INDEX record_withheld ON record (hub) WHERE state = 'withheld';

-- link and choose statements, newest per record id.
CREATE TABLE decision (
  hub  INTEGER NOT NULL,
  rec  BLOB NOT NULL,
  pos  INTEGER NOT NULL,
  said INTEGER NOT NULL,                  -- effective time
  body TEXT NOT NULL,                     -- the statement's text
  a    BLOB NOT NULL,                     -- hub id (20) and record id (16) of `a` or `on`
  b    BLOB,                              -- of `b`
  PRIMARY KEY (hub, rec)
) WITHOUT ROWID;
CREATE INDEX decision_a ON decision (a);
CREATE INDEX decision_b ON decision (b) WHERE b IS NOT NULL;

-- Which records (by `first`) have which link key.
CREATE TABLE link_key (key INTEGER NOT NULL, record INTEGER NOT NULL, PRIMARY KEY (key, record)) WITHOUT ROWID;

-- A group; `n` is the `first` of its smallest member.
CREATE TABLE grp (
  n         INTEGER PRIMARY KEY,
  hub       INTEGER NOT NULL,
  rec       BLOB NOT NULL,
  digest    BLOB NOT NULL,
  name      TEXT NOT NULL,
  place     TEXT NOT NULL,
  status    TEXT NOT NULL,
  checked   TEXT NOT NULL,                -- date, or empty
  members   INTEGER NOT NULL,
  hubs      INTEGER NOT NULL,
  conflicts TEXT NOT NULL                 -- merge units in which hubs disagree, joined by commas
);
CREATE INDEX grp_conflicts ON grp (n) WHERE conflicts <> '';

CREATE VIRTUAL TABLE search USING fts5 (
  name, words, topics, place, facets, tokenize = "porter unicode61 remove_diacritics 2 tokenchars '_'"
);
INSERT INTO search (search, rank) VALUES ('secure-delete', 1);
INSERT INTO search (search, rank) VALUES ('rank', 'bm25(10.0, 1.0, 4.0, 6.0, 0.0)');
-- How many groups have each facet. The index could count them itself, but only by going through every entry.
CREATE TABLE facet (term TEXT PRIMARY KEY, groups INTEGER NOT NULL) WITHOUT ROWID;

-- Bundles of our own log whose part file must be written again because a line in them was blanked.
CREATE TABLE part_due (n INTEGER PRIMARY KEY);
