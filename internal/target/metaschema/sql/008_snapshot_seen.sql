-- What the stream has told of the snapshot, committed with the records that told
-- it: a record of it has come, a notification has called it complete.
ALTER TABLE metadb.resync
    ADD seen boolean NOT NULL DEFAULT false,
    ADD notified boolean NOT NULL DEFAULT false;
