-- What the one server of a database locks: whoever locks it needs a right on it, which only
-- the system user has. It is a view so that the lock, which is held as long as the server
-- runs, keeps VACUUM from nothing.
CREATE VIEW metadb.server_lock AS SELECT 1 AS server;

-- Rows that transactions lock to make a schema, or a year of history, one after the
-- other: one for each residue of a hash of the name.
CREATE TABLE metadb.creation_lock (
    id smallint PRIMARY KEY
);
INSERT INTO metadb.creation_lock SELECT generate_series(0, 255);
