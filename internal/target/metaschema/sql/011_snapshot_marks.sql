-- The highest lsn and time of rows that a snapshot has read, apart from those of
-- changes (high_lsn, high_time): it is ahead of changes that were made while it read.
ALTER TABLE metadb.stream_position
    ADD snapshot_lsn bigint NOT NULL DEFAULT 0,
    ADD snapshot_time timestamptz NOT NULL DEFAULT 'epoch';
