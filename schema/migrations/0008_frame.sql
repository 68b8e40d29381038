-- Frames: what a study defined here, what people decided of its groups, and what was frozen and drawn. The frames themselves are
-- files; these rows are what a draw and a second one are checked against.

CREATE TABLE frame (
  name       TEXT PRIMARY KEY,
  definition TEXT NOT NULL,               -- JSON, names of DDI sampleFrame
  profile    TEXT NOT NULL,               -- JSON of the whole profile
  at         INTEGER NOT NULL             -- seconds since 1970
) WITHOUT ROWID;

-- Decisions of this hub's people. No person is named: a role and a reason.
CREATE TABLE frame_decision (
  frame TEXT NOT NULL,
  hub   TEXT NOT NULL,                    -- hub and id of the record that was decided on
  rec   BLOB NOT NULL,
  day   TEXT NOT NULL,
  body  TEXT NOT NULL,                    -- JSON as in the frame's text
  PRIMARY KEY (frame, hub, rec, day)      -- who decides again on one day, corrects
) WITHOUT ROWID;

CREATE TABLE frame_frozen (
  digest TEXT PRIMARY KEY,                -- of the frame's bytes
  frame  TEXT NOT NULL,
  at     INTEGER NOT NULL
) WITHOUT ROWID;

-- Every draw, so that one that was thrown away is known all the same.
CREATE TABLE frame_draw (
  digest TEXT PRIMARY KEY,                -- of the draw's bytes
  frozen TEXT NOT NULL,                   -- of the frame's
  study  TEXT NOT NULL,
  at     INTEGER NOT NULL
) WITHOUT ROWID;
