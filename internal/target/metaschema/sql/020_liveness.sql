-- After how long without a sign of life a source's connector is called silent, and where
-- it writes heartbeats: a topic beside that of its prefix, and a table.
ALTER TABLE metadb.source
    ADD COLUMN silence_warning text NOT NULL DEFAULT '',
    ADD COLUMN heartbeat_topic text NOT NULL DEFAULT '',
    ADD COLUMN heartbeat_table text NOT NULL DEFAULT '';
