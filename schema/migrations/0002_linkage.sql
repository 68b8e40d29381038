-- Pairs of records (by `first`, the smaller first) that share a link key and are not plainly two groups, each judged for the
-- two alone: 1 asked, 2 joined. Derived, as the tables above.
CREATE TABLE pair (
  a INTEGER NOT NULL, b INTEGER NOT NULL, outcome INTEGER NOT NULL,
  score INTEGER NOT NULL,                 -- hundredths of a nat, by the linkage model
  PRIMARY KEY (a, b)
) WITHOUT ROWID;
CREATE INDEX pair_b ON pair (b);

-- Hash of what of a record is compared, by this version of the program: as long as it stays, so do the record's pairs. 0: none.
ALTER TABLE record ADD COLUMN compared INTEGER NOT NULL DEFAULT 0;
