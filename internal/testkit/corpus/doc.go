// Package corpus reads the recordings of a real Debezium under testdata/corpus
// for the tests of other packages. It owns the files' format, and leaves the
// interpretation of records to the tested packages.
package corpus
