// Package resync begins and ends the synchronization of a data source: what
// "metadb sync" and "metadb endsync" do (docs/spec/06-synchronization.md), for any [Prompter] that can put
// questions.
//
//	     create data source                     sync
//	            │            ┌───────────────────────────────────────┐
//	            ▼            ▼                                       │
//	         initial ─sync─▶ resync ◀─┐ sync again (asks)            │
//	            │            │  └─────┘                              │
//	    endsync │    endsync │                                       │
//	infer types │            │ end what was not confirmed            │
//	            └─▶ normal ◀─┘───────────────────────────────────────┘
//
// Beginning is one transaction. Ending is one short transaction for each table,
// then one for the mode: it can be interrupted at any moment and run again,
// since what has ended is no longer current, and the time that ended rows get is
// kept in metadb.resync from the first step.
//
// The package owns the mode, metadb.resync and metadb.resync_from, and the
// questions. It refuses to confirm rows (history does) and to know whether the
// stream is running: the caller sees to that. It sits beside the line that data
// travel, between the commands and the tables.
package resync
