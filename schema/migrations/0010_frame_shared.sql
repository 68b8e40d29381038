-- Frames that hubs publish are records (kind 2 of `record`): nothing of them is stored beside the log. Few, and looked for whenever
-- somebody lists them.
CREATE INDEX record_frame ON record (hub) WHERE kind = 2;

-- The register of research uses: which study may use which frame, for what, which of its fields, until when. No person is named.
CREATE TABLE frame_use (
  n       INTEGER PRIMARY KEY AUTOINCREMENT, -- a number that was given is never given again
  study   TEXT NOT NULL,
  ethics  TEXT NOT NULL,                  -- the committee's reference
  purpose TEXT NOT NULL,
  frame   TEXT NOT NULL,                  -- name of the frame
  digest  TEXT,                           -- of its bytes, where it is a frozen one
  reader  TEXT NOT NULL,                  -- the organisation that it is released to
  fields  TEXT NOT NULL,                  -- JSON: names of the fields released
  begun   TEXT NOT NULL,                  -- day
  expires TEXT NOT NULL,                  -- last day
  ended   TEXT,                           -- day on which the organisation said that it has deleted them
  at      INTEGER NOT NULL                -- seconds since 1970
);
