// Package corpus reads the recordings of a real Debezium under testdata/corpus
// for the tests of other packages. It owns the files' format; it refuses to
// interpret a record: that is what the tested packages are for.
package corpus
