// Package tables changes main tables for administrators: it adds columns, widens types, and
// drops tables with their partitions and metadata.
//
// It owns the decision which of these changes are safe. It refuses to choose their time: the caller
// keeps batches out, gives the transaction, and publishes the result after the commit.
package tables
