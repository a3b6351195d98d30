// Package datasource holds a data source's options as a value: their names, their valid values, and
// their storage in metadb.source.
//
// It owns the names of the options and their validation, so that a command, a test and the server
// agree on both. It refuses to act on them: connecting belongs to source/kafka, filtering and
// renaming to route, and the sync mode in metadb.source to resync.
package datasource
