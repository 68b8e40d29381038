-- The never-again list by class of part: parts of this record up to this revision never come back, whoever still serves them.
-- `class` is a class or '*'. `asked`: not its hub's word but a request made here; that hub's own word takes its place.
CREATE TABLE erasure_by_class (
  hub INTEGER NOT NULL, rec BLOB NOT NULL, class TEXT NOT NULL, upto INTEGER NOT NULL, asked INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (hub, rec, class)
) WITHOUT ROWID;
INSERT INTO erasure_by_class (hub, rec, class, upto) SELECT hub, rec, 'public', upto FROM erasure;
DROP TABLE erasure;
ALTER TABLE erasure_by_class RENAME TO erasure;
CREATE TRIGGER import_erased AFTER INSERT ON erasure WHEN NEW.hub = 1 AND NEW.class IN ('*', 'public') BEGIN
  UPDATE import_change SET before = NULL WHERE rec = NEW.rec;
END;
CREATE TRIGGER import_erased_again AFTER UPDATE ON erasure WHEN NEW.hub = 1 AND NEW.class IN ('*', 'public') BEGIN
  UPDATE import_change SET before = NULL WHERE rec = NEW.rec;
END;

-- Lines that nobody sees any more and that are still here for a while: superseded ones for a week, those of a mass erasure for
-- three days. So that whoever steals a log's key cannot make every hub destroy what it holds. Nothing reads this but undoing.
CREATE TABLE hidden (
  pos   INTEGER NOT NULL,                 -- the leaf it belongs to
  class TEXT NOT NULL,
  hub   INTEGER NOT NULL,
  rec   BLOB NOT NULL,
  rev   INTEGER NOT NULL,
  line  TEXT NOT NULL,
  until INTEGER,                          -- when it is deleted, in seconds since 1970; NULL: not reckoned yet
  PRIMARY KEY (pos, class)
) WITHOUT ROWID;
CREATE INDEX hidden_rec ON hidden (hub, rec);
CREATE INDEX hidden_undated ON hidden (pos) WHERE until IS NULL;
CREATE INDEX hidden_until ON hidden (until) WHERE until IS NOT NULL;

-- Every erasure that this hub issued, received or asked another hub for. Ids, classes and times; never words, never names.
CREATE TABLE erased (
  n       INTEGER PRIMARY KEY,
  hub     INTEGER NOT NULL,               -- whose record
  rec     BLOB NOT NULL,
  parts   TEXT NOT NULL,                  -- '*', or classes joined by commas
  upto    INTEGER NOT NULL,
  how     TEXT NOT NULL,                  -- issued, received, asked
  pos     INTEGER,                        -- its leaf; NULL where it was asked for here
  took    INTEGER NOT NULL,               -- whether words that were held went because of it
  at      INTEGER,                        -- when it was obeyed; NULL: within the run that is still going on
  due     INTEGER,                        -- when the words are deleted
  done    INTEGER,                        -- when they were
  written INTEGER NOT NULL DEFAULT 0      -- whether the journal beside the backups has it
);
CREATE INDEX erased_rec ON erased (hub, rec);
CREATE INDEX erased_open ON erased (n) WHERE done IS NULL;
INSERT INTO erased (hub, rec, parts, upto, how, took, at, due, done)
  SELECT hub, rec, class, upto, CASE hub WHEN 1 THEN 'issued' ELSE 'received' END, 0, 0, 0, 0 FROM erasure;

-- Derived: what hubs say they have erased of a log; the newest word of each hub on each log.
CREATE TABLE ack (
  hub INTEGER NOT NULL, origin TEXT NOT NULL, rec BLOB NOT NULL, rev INTEGER NOT NULL,
  size INTEGER NOT NULL, erased INTEGER NOT NULL,
  at INTEGER NOT NULL,                    -- as that hub says, in seconds since 1970
  PRIMARY KEY (hub, origin)
) WITHOUT ROWID;

-- Hubs that were found to serve words which they said they had erased.
CREATE TABLE still_served (hub INTEGER NOT NULL, erased INTEGER NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (hub, erased)) WITHOUT ROWID;

-- Files with words that this hub wrote, so that an erasure finds them.
CREATE TABLE written (
  path TEXT PRIMARY KEY, at INTEGER NOT NULL,
  scope  TEXT NOT NULL,                   -- all, own, or the id of a list
  digest BLOB NOT NULL                    -- SHA-256 of what was written: a file that people changed since is theirs
) WITHOUT ROWID;

-- Backups that this hub made. `cleaned`: every erasure up to this number is done in it.
CREATE TABLE backup (
  path TEXT PRIMARY KEY, at INTEGER NOT NULL, statements INTEGER NOT NULL, cleaned INTEGER NOT NULL
) WITHOUT ROWID;
