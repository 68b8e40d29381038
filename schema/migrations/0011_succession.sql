-- A hub that has ended names the hub that takes over; its records give way to those that the other says stand in their stead.
-- Set when the document that says so is adopted, and NULL while the hub goes on.
ALTER TABLE hub ADD COLUMN successor TEXT;
