// Package catalog holds the target tables as an immutable snapshot, which the data path reads
// without locks, and loads them from the database after a restart.
//
// It owns [Table] and [Store]. A store publishes tables only after the transaction that changed the
// database has been committed ([Store.Publish], [Store.Forget]) or from the database itself
// ([Store.Load]), so that a batch which is rolled back leaves no trace. The package refuses to
// change the database (package ddl does) and to decide which changes are needed (package plan
// does).
package catalog
