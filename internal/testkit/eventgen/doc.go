// Package eventgen makes records like those that Debezium's PostgreSQL
// connector writes with the JSON converter and schemas, for a table that its
// caller describes: the input of scenarios, of the demo and of the benchmark.
//
// It owns the form of those records, taken from recordings of Debezium 3.7
// (testdata/corpus). The caller chooses the changes, their order, times and lsns.
package eventgen
