// Package history applies a batch of change events to the target tables, by the
// history rules of docs/spec/01-tables.md#history-rules, in one transaction: positions, schema changes, rows,
// confirmed ids, rejected events.
//
// Per table, in the order of the events:
//
//	events ─ chunk ─ fold ─┬─ direct: COPY into the current partition
//	                       ├─ exchange: find and move what is current, COPY, compare
//	                       ├─ recognize: read what is current, compare bytes
//	                       └─ stage ─ resolve ─ match ─ decide ─ write
//
// A chunk is a run of events that can be applied as a set (chunk.go). The fold
// (fold.go) makes one chain of versions of each key, in memory. The direct way
// (direct.go) is for keys that are certainly new, and the unique index holds it
// to that. Rows are exchanged (exchange.go) where they nearly always
// differ from what is current under their keys, and recognized (recognize.go) where they are nearly
// always the same. The staged way copies the chunk into a temporary table (stage.go; stage_permanent.go has what stands in for it),
// fills in unavailable values (resolve.go), asks PostgreSQL which rows are
// current and what equals what (match.go), decides in memory what ends and what
// begins (decide.go, pure), and writes that set-wise (write.go). A chunk that
// PostgreSQL refuses for its data is halved until the events are found that are
// to blame (bisect.go).
//
// What a chunk did to each row of a table with JSON mappings goes on to the
// transformed tables (transform.go):
//
//	lineages ─ ask ─ add, compare ─┬─ swap: end by keys, COPY
//	                               └─ events ─ chunk …, as above
//
// The documents before and after are taken apart (descent.go) and compared
// (compare.go), beside statements where that goes. What is known of both sides is
// swapped (swap.go); the rest becomes events of the transformed tables (descend.go).
//
// The package owns the connection that applies. It refuses to compare values
// itself, but that equal bytes are the same value, and to decide what to retry: errors of the connection, of locks and
// of the fence go up as they are.
package history
