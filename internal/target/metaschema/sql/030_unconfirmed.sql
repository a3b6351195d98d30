-- Which rows of a table a synchronization has not confirmed, for an endsync in whose
-- session no temporary table can be made: an event trigger refuses it, or the right is
-- not there. The rows of a session are of that session's process, one list for each table.
CREATE UNLOGGED TABLE metadb.unconfirmed (
	session integer NOT NULL,
	list integer NOT NULL,
	__id bigint NOT NULL,
	__start timestamptz NOT NULL
);
