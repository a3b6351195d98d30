// Package consistency verifies that the copied tables are what Metadb makes of
// them: every promise about rows, partitions, indexes and the tables of the schema
// metadb that can be checked in the database alone.
//
// It owns the checks, and reads only. Each check is one statement over a whole
// table, in a transaction of its own, so that nothing is locked for longer than one
// check takes: a stream goes on, and so do readers. It reads metadb.target_table and
// PostgreSQL's catalog itself, since what it looks for is damage that would keep
// others from reading them. It refuses to repair, and to compare with the source.
package consistency
