// Package maintable does to main tables what administrators ask for: adding
// columns, widening types, and dropping tables with all that belongs to them.
//
// It owns what of it is safe. It refuses to decide when: the caller keeps batches
// out, gives the transaction, and publishes what comes back after the commit.
package maintable
