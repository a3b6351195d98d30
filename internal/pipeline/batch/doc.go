// Package batch is a batch of events on its way to be applied, with everything that travels with
// its rows: spans, signals of snapshots, records of their attempts, years.
//
// It owns the ways in which a batch is taken apart and put together:
//
//	split.go       Take the lanes of parked tables out, split for sessions, append the next batch
//	drop.go        drop the events of partitions that were taken away
//	group.go       lanes with events of the same tables, assigned to sessions
//	lane_limit.go  parts for PostgreSQL's table of locks
//	years.go       the years of a table's events
//
// The unit of all of them is a lane: order is kept per key, and a key has one lane. The package
// is pure and imports only change. It does not decide when a batch is applied, or why one is
// divided: package pipeline does.
package batch
