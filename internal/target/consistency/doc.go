// Package consistency verifies the copied tables against Metadb's rules: every rule about rows,
// partitions, indexes and the tables of the schema metadb that can be checked in the database
// alone.
//
// It owns the checks, and reads only. Each check runs in transactions of its own, one for each
// statement or two over a table, so that it holds locks no longer than that: neither a stream nor
// readers are blocked. It reads metadb.target_table and PostgreSQL's catalog itself, since the
// damage that it looks for could keep package catalog from loading the tables. It refuses to
// repair, and to compare with the source.
package consistency
