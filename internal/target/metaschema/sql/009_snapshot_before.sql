-- The snapshot that was read, or was still to be read, when the resynchronization
-- began: its last record says nothing about what comes after.
ALTER TABLE metadb.resync
    ADD before_lsn bigint NOT NULL DEFAULT 0,
    ADD before_time timestamptz NOT NULL DEFAULT 'epoch';
