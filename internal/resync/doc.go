// Package resync begins, ends and aborts the synchronization of a data source or a table:
// "metadb sync" and "metadb endsync" (docs/spec/06-synchronization.md), and the same commands of
// the administration port, with any [Prompter].
//
//	     create data source                     sync
//	            │            ┌───────────────────────────────────────┐
//	            ▼            ▼                                       │
//	         initial ─sync─▶ resync ◀─┐ sync again (asks)            │
//	            │            │  └─────┘                              │
//	    endsync │    endsync │                                       │
//	infer types │            │ end unconfirmed rows                  │
//	            └─▶ normal ◀─┘───────────────────────────────────────┘
//
// The beginning is one transaction. The end is one short transaction for each table, and one for
// the mode: it can be interrupted at any moment and run again, since ended rows are not current
// any more, and their time of end is stored in metadb.resync from the first step.
//
// The package owns the mode, metadb.source.sync. It begins and deletes the rows of metadb.resync
// and metadb.resync_from; package apply stores the state of snapshots in metadb.resync, and
// confirms rows. The caller stops the stream, or keeps it from applying.
package resync
