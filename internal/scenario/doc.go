// Package scenario runs the behaviour that the specification describes:
// scenario files (testdata/*.txtar) with changes at a source and the tables
// that must come of them. README.md beside this file describes their syntax.
//
// It owns that syntax. The changes become records like Debezium's
// (package eventgen), which go the way of every record: decoded, routed, cut
// into batches, applied to a real PostgreSQL. It refuses to know how any of
// these work: what it checks is what an analyst can see.
package scenario
