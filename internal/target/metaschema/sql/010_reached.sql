-- The highest next_offset that the topic has had: records before it that are read
-- again, because the position was moved back, change nothing.
ALTER TABLE metadb.stream_position ADD reached bigint NOT NULL DEFAULT 0;
