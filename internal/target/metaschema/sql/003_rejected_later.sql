-- The source time of the first event of the same key, or of a truncate, that was
-- applied after the rejected one; NULL while there is none. A retried event that
-- has it takes its place in history and never becomes current.
ALTER TABLE metadb.rejected_event ADD COLUMN later timestamptz;
