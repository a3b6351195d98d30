// Package ddl executes a plan: it creates and changes the database's tables, in the batch's
// transaction, all changes of one table at once, with at most one ALTER TABLE for columns and
// types.
//
// It owns the statements that create and change target tables, and the rows in metadb.* that
// describe them. It refuses to decide which changes are needed (package plan does), to read the
// catalog back (package catalog does), and to retry: it returns a lock timeout or a deadlock as it
// is, and the caller rolls back.
//
// Partitions are made by CREATE and ATTACH, which locks the main table less than PARTITION OF does:
// readers are not blocked.
// https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-DESC-ATTACH-PARTITION
package ddl
