// Package apply applies a batch of change events to the target tables, by the
// history rules of docs/spec/01-tables.md#history-rules, in one transaction: positions, schema changes, rows,
// confirmed ids, rejected events.
//
// Per table, in the order of the events:
//
//	events ─ chunk ─ fold ─┬─ insertNew: COPY into the current partition
//	                       ├─ replaceRows: find and move what is current, COPY, compare
//	                       ├─ confirmUnchanged: read what is current, compare bytes
//	                       └─ mergeStaged: stage ─ loadUnavailable ─ loadMatches ─ decide ─ applyDecision
//
// A chunk is a run of events that can be applied as a set (chunk.go). The fold
// (fold.go) makes one chain of versions of each key, in memory. Inserting new rows
// (insert_new.go) is for keys that are certainly new, and the unique index holds it
// to that. Rows are replaced (replace_rows.go) where they nearly always
// differ from what is current under their keys, and confirmed (confirm_unchanged.go) where they are nearly
// always the same. The staged merge copies the chunk into a temporary table (stage.go; stage_permanent.go has what stands in for it),
// fills in unavailable values (toast_values.go), asks PostgreSQL which rows are
// current and what equals what (match.go), decides in memory what ends and what
// begins (decide.go, pure), and writes that set-wise (write_versions.go). A chunk that
// PostgreSQL refuses for its data is halved until the events are found that are
// to blame (bisect.go).
//
// What a chunk did to each row of a table with JSON mappings goes on to the
// transformed tables (update_transformed.go):
//
//	row effects ─ loadStored ─ addDocuments, compareDocuments ─┬─ replaceTransformed: end by keys, COPY
//	                                                           └─ events ─ chunk …, as above
//
// The documents before and after are taken apart (transformed_update.go) and compared
// (transformed_diff.go), beside statements where that goes. What is known of both sides is
// replaced (replace_transformed.go); the rest becomes events of the transformed tables (transformed_events.go).
//
// The package owns the connection that applies. It refuses to compare values
// itself, but that equal bytes are the same value, and to decide what to retry: errors of the connection, of locks and
// of the fence go up as they are.
package apply
