// Package rejected stores, blocks and retries the events of metadb.rejected_event.
//
// It owns the statements that write the table: Set stores the rejected events of a batch, finds the
// events that they block (blocked.go) and those that supersede them (supersede.go); Limiter keeps their
// number and size below the limit of the source. Retry repeats stored events in order: it owns the
// division into transactions, and the repetition after a lock conflict.
//
// It refuses to decode records, to apply events and to decide which event is rejected: its callers,
// internal/target/apply for a batch and internal/server for a retry, do that.
//
//	           ┌─ blocked by an earlier record of its key ─ rejected too
//	event ─────┤
//	           ├─ refused ─ Set.Add ─ Limiter.Enforce ─ Set.Store
//	           └─ applied ─ Set.Supersede: earlier records of its key are late when they are retried
package rejected
