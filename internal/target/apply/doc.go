// Package apply writes a batch of change events to the target tables, by the history rules of
// docs/spec/01-tables.md#history-rules. One transaction contains the positions of the stream, the
// schema changes, the rows, the ids of confirmed rows and the rejected events: the database has
// either all of them or no part of the batch.
//
// The pipeline calls Applier.Apply (applier.go) with a batch. Applier owns the connection, the
// stages and the profiles of the tables; batchTx (batch_tx.go) is the transaction of one batch;
// tableState is one table in it. Per table, in the order of the events:
//
//	events ─ chunk ─ fold ─┬─ insertNew: COPY into the current partition
//	                       ├─ replaceRows: move current rows to history, COPY, compare
//	                       ├─ confirmUnchanged: read current rows, compare bytes
//	                       └─ mergeStaged: stage ─ loadUnavailable ─ loadMatches ─ decide ─
//	                                       applyDecision
//
// The rules are in internal/target/history: a chunk is a run of events that can be applied as a set,
// and the fold makes one chain of versions for each key, in memory. A truncate is a chunk of its own
// (applyTruncate in insert_new.go). PostgreSQL compares values; the package itself only relies on equal
// bytes being equal values. The statements are built by package sqlgen.
//
// # Strategies
//
// writeChunk (write_strategy.go) uses the first strategy that suits the chunk. The profile of the
// table, from its last chunk, decides which one is worth trying.
//
//   - insertNew (insert_new.go) suits a table in which all keys have been new, as in an initial
//     snapshot. The rows are copied straight into the current partition. If the unique index
//     finds an existing key, the savepoint is rolled back and the next strategy is tried.
//   - replaceRows (replace_rows.go) suits rows that nearly always differ from the current ones, as
//     in a stream of updates. The current rows move to history, the new rows are copied into
//     their place, and the pairs are compared afterwards: an unchanged row is restored.
//   - confirmUnchanged (confirm_unchanged.go) suits rows that are nearly always unchanged, as in a
//     resynchronization. The current rows are read in the binary format of the events, and rows
//     with equal bytes are confirmed. The others are merged.
//   - mergeStaged (write_strategy.go) suits every chunk. The rows are copied into a temporary
//     table (stage.go), or into metadb.stage if temporary tables can't be made
//     (stage_permanent.go). Statements over the whole set fill in unavailable values
//     (toast_values.go), and find the current rows and equal versions (match.go). A pure function
//     decides which versions end and begin (history.Decide), and further statements write them
//     (write_versions.go).
//
// A chunk that PostgreSQL refuses for its data is bisected until the events at fault are found
// (bisect.go); these become rejected events (internal/target/rejected). An event that precedes an applied
// one of its key is inserted into history (late_event.go).
//
// # Transformed tables
//
// The effects of a chunk on the rows of its table are row effects, by whichever strategy they were
// written (history.RowEffect). They update the transformed tables if the table has JSON mappings
// (update_transformed.go):
//
//	row effects ─ loadStored ─ addDocuments, ─────┬─ replaceTransformed: end by keys, COPY
//	                           compareDocuments   └─ events ─ chunk …, as above
//
// The documents before and after are transformed (transformed_update.go) and compared in memory
// (transformed_diff.go), if possible while PostgreSQL writes the parent's rows. Rows with complete
// documents on both sides are replaced (replace_transformed.go); the others become events of the
// transformed tables (transformed_events.go).
//
// # Errors
//
// The package does not repeat a failed batch. Errors of the connection, of locks and of the fence
// are returned to the pipeline, which owns the retry policy.
package apply
