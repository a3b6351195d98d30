// Package versions keeps a small filled database of each version of the
// tables' layout, as SQL in testdata/versions, and has a test upgrade each of
// them and stream on.
//
// Before a change of the schema "metadb" or of the layout of the copied tables
// lands, `make version-dump` writes a dump of the version before, with the
// program of that version: a library of two branches goes through the whole
// path, from records in Kafka to tables. A dump that is there never changes.
//
// It owns the data set and the dumps. It refuses to know what a version differs
// in: the test asks each of them the same questions.
package versions
