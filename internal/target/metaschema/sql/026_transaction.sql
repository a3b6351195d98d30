-- The transactions that a partition has shown last (as package checkpoint writes them), of
-- those whose changes have no commit's lsn: what tells a change that is sent again, also where
-- transactions ran side by side. Those up to forgotten_transaction_time may be missing.
ALTER TABLE metadb.stream_position
    ADD transactions bytea NOT NULL DEFAULT '',
    ADD forgotten_transaction_time timestamptz NOT NULL DEFAULT 'epoch';
UPDATE metadb.stream_position SET forgotten_transaction_time = high_time;
