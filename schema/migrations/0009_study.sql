-- Fieldwork: what became of the groups that a study drew. All of it stays at the hub: nothing here is signed, published or exported.

-- Of which part of the frame a draw is: two hubs may each draw from their own part for one study.
ALTER TABLE frame_draw ADD COLUMN part TEXT NOT NULL DEFAULT '[]';   -- JSON: codes of areas, empty for the whole frame

CREATE TABLE study (
  name   TEXT PRIMARY KEY,
  digest TEXT NOT NULL,                   -- of the frame's bytes
  body   TEXT NOT NULL,                   -- JSON: frame, and each draw with its request
  at     INTEGER NOT NULL                 -- seconds since 1970
) WITHOUT ROWID;

-- The units drawn, and all others in the order in which they may be asked.
CREATE TABLE study_unit (
  study TEXT NOT NULL,
  place INTEGER NOT NULL,
  body  TEXT NOT NULL,                    -- JSON: the unit's id, site, stratum, place in the reserve, values
  PRIMARY KEY (study, place)
) WITHOUT ROWID;

-- What was noted, one below the other. Nothing is ever changed or taken out: what was wrong is taken back by a later line.
CREATE TABLE study_entry (
  study TEXT NOT NULL,
  n     INTEGER NOT NULL,                 -- from 1, without gaps
  day   TEXT NOT NULL,                    -- when it happened
  at    INTEGER NOT NULL,                 -- when it was noted, seconds since 1970
  body  TEXT NOT NULL,                    -- JSON: what happened; no person is named
  PRIMARY KEY (study, n)
) WITHOUT ROWID;

-- Which group has which number in what is written about the study. In a table of its own, which nothing but the study's own
-- commands reads.
CREATE TABLE study_number (
  study  TEXT NOT NULL,
  number INTEGER NOT NULL,
  unit   TEXT NOT NULL,
  PRIMARY KEY (study, number),
  UNIQUE (study, unit)
) WITHOUT ROWID;
