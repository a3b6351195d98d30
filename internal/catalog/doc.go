// Package catalog knows the target tables: an immutable snapshot that the data
// path reads without locks, and how it is read back from the database after a
// restart.
//
// It owns [Table] and [Store]. A store changes in one way only, by
// [Store.Publish] after the transaction that changed the database has been
// committed, so that a batch which is rolled back leaves no trace. The package
// refuses to change the database (ddl does) and to decide what should change
// (plan does).
package catalog
