-- What tells a change that a connector sends again from a new one: the highest
-- source.sequence of a partition (high_commit, top_lsn), and the changes that were there
-- last (recent, as package checkpoint writes them) from forgotten_time on. Where an older
-- version has stored a position nothing is remembered.
ALTER TABLE metadb.stream_position
    ADD high_commit bigint NOT NULL DEFAULT 0,
    ADD top_lsn bigint NOT NULL DEFAULT 0,
    ADD recent bytea NOT NULL DEFAULT '',
    ADD forgotten_time timestamptz NOT NULL DEFAULT 'epoch';
UPDATE metadb.stream_position SET top_lsn = high_lsn, forgotten_time = high_time;
