// Package ddl makes the database's tables as a plan says they should be: in
// the batch's transaction, everything of one table at once, at most one ALTER
// TABLE for columns and types.
//
// It owns the statements that create and change target tables, and the rows in
// metadb.* that describe them. It refuses to decide what should change (plan
// does), to read the catalog back (catalog does), and to retry: a lock timeout
// or a deadlock goes up as it is, and the caller rolls back.
//
// Partitions are made by CREATE and ATTACH, which locks the main table less
// than PARTITION OF does: readers go on.
// https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-DESC-ATTACH-PARTITION
package ddl
