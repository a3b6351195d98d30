// Package versions has a small filled database for each version of the tables' layout, as SQL
// in testdata/versions, and a test that upgrades each of them and streams on.
//
// Before a change of the schema "metadb" or of the layout of the copied tables is merged, `make
// version-dump` writes a dump of the version before the change, with the program of that
// version: the data of a library with two branches pass the whole path, from records in Kafka
// to tables. An existing dump never changes.
//
// The package owns the data set and the dumps. The test has no cases for single versions: it
// runs the same queries on each of them.
package versions
