// Package eventgen makes records like those that Debezium's PostgreSQL
// connector writes with the JSON converter and schemas, for a table that its
// caller describes: the input of scenarios, of the demo and of the benchmark.
//
// It owns the shape of those records, taken from recordings of Debezium 3.7
// (testdata/corpus). It refuses to decide what happens in the table: the caller
// says which change follows which, with which time and lsn.
package eventgen
