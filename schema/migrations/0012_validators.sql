-- Which checkpoint the partner's ETag came with (its size and time), and how often in a row its server's ETags did not tell what
-- changed: a condition is made of an ETag only for the very checkpoint that it came with, and of a server whose ETags mean something.
ALTER TABLE partner ADD COLUMN etag_of TEXT;
ALTER TABLE partner ADD COLUMN etag_doubts INTEGER NOT NULL DEFAULT 0;
