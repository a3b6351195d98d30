// Package testbed runs Metadb and its surroundings: the metadb binary with a data
// directory and a database, and any other program, as processes that end with the
// calling process; and a broker, embedded in the caller, as the source of records.
// The end-to-end tests, the demo and the benchmark use it.
//
// It owns processes and their ends; the callers show, measure or compare results.
package testbed
