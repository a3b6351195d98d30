-- A position in a source that can't begin to read at each event: the place where it can begin, in
-- the source's own form, and the offset of the first event after it. next_offset less that is how
-- many events to pass over. Kafka can begin at each offset.
ALTER TABLE metadb.stream_position
    ADD restart_offset bigint NOT NULL DEFAULT 0,
    ADD restart_place text NOT NULL DEFAULT '';
