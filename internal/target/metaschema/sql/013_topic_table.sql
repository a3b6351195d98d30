-- Which tables the events of a topic go to, so that a gap in the topic can be mended
-- by reading those tables again. Topics of earlier versions are matched by name until
-- their next event.
CREATE TABLE metadb.topic_table (
    source_name varchar(63) NOT NULL,
    topic text NOT NULL,
    schema_name text NOT NULL,
    table_name text NOT NULL,
    PRIMARY KEY (source_name, topic, schema_name, table_name)
);
-- The tables of the topic that have been read again since the gap was found, as
-- "schema.table": the gap goes when all of them have.
ALTER TABLE metadb.stream_gap ADD COLUMN read_again text[] NOT NULL DEFAULT '{}';
