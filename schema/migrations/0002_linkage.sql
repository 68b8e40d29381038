-- Pairs of records (by `first`, the smaller first) that share a link key and are not plainly two groups, each judged for the
-- two alone: 1 asked, 2 joined. Derived, as the tables above.
CREATE TABLE pair (
  a INTEGER NOT NULL, b INTEGER NOT NULL, outcome INTEGER NOT NULL,
  score INTEGER NOT NULL,                 -- hundredths of a nat, by the linkage model
  PRIMARY KEY (a, b)
) WITHOUT ROWID;
CREATE INDEX pair_b ON pair (b);
