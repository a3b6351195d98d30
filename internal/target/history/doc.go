// Package history has the history rules of docs/spec/01-tables.md#history-rules as pure functions.
//
// It owns the questions that no database is needed for: which events of a table are applied as a set
// (Chunk), how the events of one key follow one another (Fold), which versions end, begin and are
// confirmed once the rows of the database are known (Decide), and which place a change takes that
// comes after later ones (DecideLatePlacement, Truncations, PositionJudge). It refuses to read or
// write: internal/target/apply loads the facts into Matches, and carries out the Decision. Equality
// of values is decided by PostgreSQL; the package relies only on equal bytes being equal values.
//
//	events ─ SplitChunks ─ Fold ─ Decide ─ RowEffects
//	                               │
//	                            Matches: current rows, equal rows, last ends, repetitions
//
// Changes, versions and effects refer to one another by number: that of a change in FoldedChunk, of
// a new version in Decision, of an event in the batch.
package history
