-- Keys for life: a hub document has versions, a hub has logs one after another, and proof of lies is kept.

-- Every verified version of a hub's document, as received. `hub.document` is the newest of them.
CREATE TABLE hub_version (
  hub INTEGER NOT NULL, version INTEGER NOT NULL, document BLOB NOT NULL, PRIMARY KEY (hub, version)
) WITHOUT ROWID;
INSERT INTO hub_version (hub, version, document) SELECT n, 1, document FROM hub;

-- A hub's logs, oldest first. The number of a log is its hub's plus 65,536 for each log that the hub had before, so that
-- positions (log << 40 | index) of one hub rise in the order in which its leaves count.
CREATE TABLE log_again (
  n           INTEGER PRIMARY KEY,
  hub         INTEGER NOT NULL REFERENCES hub (n),
  ordinal     INTEGER NOT NULL,
  origin      TEXT NOT NULL,
  vkey        TEXT NOT NULL,
  peer        TEXT NOT NULL,
  closed_size INTEGER,                     -- where the hub's document closed it; NULL: open
  closed_root BLOB,
  held        INTEGER NOT NULL DEFAULT 0,
  edge        BLOB NOT NULL DEFAULT x'',   -- right edge of the tree at `held`
  head        INTEGER NOT NULL DEFAULT 0,
  checkpoint  BLOB,                        -- newest verified checkpoint, as received; of our own log, the published one
  tail_bytes  INTEGER NOT NULL DEFAULT 0,  -- length of the last part bundle as last read: where a Range may begin
  latest      INTEGER NOT NULL DEFAULT 0,  -- latest effective time below `head`
  UNIQUE (hub, ordinal)
);
INSERT INTO log_again (n, hub, ordinal, origin, vkey, peer, held, edge, head, checkpoint, tail_bytes, latest)
  SELECT n, hub, 0, origin, vkey, peer, held, edge, head, checkpoint, tail_bytes, latest FROM log;
DROP TABLE log;
ALTER TABLE log_again RENAME TO log;

-- Position of the newest affirm: effective times are worked out log by log, and it may stand in another than the put.
ALTER TABLE record ADD COLUMN affirm INTEGER;
UPDATE record SET affirm = put WHERE assured IS NOT NULL;

-- Bundles of our own logs whose part file must be written again because a line in them was blanked.
CREATE TABLE part_due_again (log INTEGER NOT NULL, n INTEGER NOT NULL, PRIMARY KEY (log, n)) WITHOUT ROWID;
INSERT INTO part_due_again (log, n) SELECT 1, n FROM part_due;
DROP TABLE part_due;
ALTER TABLE part_due_again RENAME TO part_due;

-- Signed notes that contradict each other, for ever: whoever reads both knows that the hub's keys said two things. Kept by the
-- hub's id, because it outlives the partnership.
CREATE TABLE evidence (
  id     TEXT PRIMARY KEY,                 -- beginning of the SHA-256 of both notes
  hub    TEXT NOT NULL,
  kind   TEXT NOT NULL,                    -- fork, document, void-tail
  first  BLOB NOT NULL,
  second BLOB NOT NULL,
  found  INTEGER NOT NULL                  -- seconds since 1970
) WITHOUT ROWID;

-- When the partner's hub document was last asked for and what it was then called; when what it has seen was last read.
ALTER TABLE partner ADD COLUMN document_etag TEXT;
ALTER TABLE partner ADD COLUMN document_seen INTEGER NOT NULL DEFAULT 0;
ALTER TABLE partner ADD COLUMN gossip INTEGER NOT NULL DEFAULT 0;
