// Package scenario tests the behaviour that the specification describes, with
// scenario files (testdata/*.txtar) of changes at a source and the resulting
// tables. README.md beside this file describes their syntax.
//
// It owns that syntax. The changes become records like Debezium's
// (package eventgen), which pass the whole data path: they are decoded, routed,
// divided into batches and applied to a real PostgreSQL. It checks only the data
// that an analyst can query, and depends on no internals of these steps.
package scenario
