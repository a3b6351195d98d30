-- What is wrong with a rejected event in general, in a word that quotes none of
-- its values: record, table, value, waits; empty for those from before.
ALTER TABLE metadb.rejected_event ADD COLUMN kind text NOT NULL DEFAULT '';
UPDATE metadb.rejected_event SET kind = 'waits' WHERE reason LIKE 'waits for offset %';
