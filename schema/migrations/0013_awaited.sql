-- A newer put whose words did not come yet (JSON: pos, rev, said, and what was said of it since); the words of `put` stay in use.
ALTER TABLE record ADD COLUMN awaited TEXT;
CREATE INDEX record_awaited ON record (hub) WHERE awaited IS NOT NULL;
