// Package datasource is a data source's options as a value: which there are,
// what each may hold, and how they are kept in metadb.source.
//
// It owns the names of the options and their validation, so that a command, a
// test and the server agree on both. It refuses to act on them: connecting
// belongs to source/kafka, filtering and renaming to route, and the sync mode
// that metadb.source also holds to resync.
package datasource
