// Package ordering makes the order between the partitions of a source, which Kafka does not
// give. It owns the events that wait, in memory; Gate is its door:
//
//   - Add takes a delivery and returns the events that may go on.
//   - NeededEnds says which end offsets are needed, SetEnds sets them, NextReady returns the time
//     until more are needed.
//   - Paused returns the partitions with full queues, which must not be read.
//   - Stalled, ReleaseStalled and ReleaseUnpaired, called once in each interval, end the waits
//     that no record would end.
//
// The gate releases the changes of a lane with several partitions in the order of their
// source.lsn. Four kinds of events have a wider scope than their own partition, and wait for
// other partitions even if theirs is the only one that is read:
//
//   - a truncate, which ends the rows of all partitions of its lane,
//   - a change of key with unavailable values, which are those of a version that may end in
//     another partition,
//   - a snapshot row that is the first event of a partition which appears while its lane has
//     positions: rows move there from other partitions,
//   - the end of a snapshot, the mark "last" or a notification; its scope is all lanes of
//     the source.
//
// An event waits until each of the other partitions has been read up to the end that it had
// after the event was read, or up to an event that follows it, which then waits too. Waiting
// events are in memory only: the stored position stays before them, and after a crash they
// are read again. Snapshot rows have no order and do not wait: changes made while a snapshot
// reads come after its rows, in other partitions as in their own. In a lane with one partition,
// an event without a wider scope costs one map lookup for each run of events.
//
// Rows are correct without the gate: a producer may write an earlier event to another
// partition long after the end there was read. Late events are inserted into history (package
// apply); the gate keeps that rare. Only the insert of a change of key waits for a certain
// record, the delete of the old key (key_change.go).
//
// The states of a partition's queue:
//
//	           delivered, first in its lane's order
//	           or with a wider scope
//	 empty ─────────────────────────────────▶ queued ─── older than WriteSkew ──▶ needs ends
//	    ▲                                      ▲ │                                 │ ends become
//	    │ no event left                        │ │ too many bytes queued           ▼ known
//	    │                                      │ ▼                               waiting ──▶ awaits delete
//	released ◀── others at their ends,         │ full: not read until              │     (key_change.go)
//	    │        or at later changes ──────────┼── half of it is released          │            │ the delete was
//	    │                                      │                                   │            │ read, or 180
//	    └─ next head of the queue ─────────────┘ ◀─── can be released ─────────────┴────────────┘ intervals
//
//	a partition that others wait for:
//	read ── idle for long (stalled_partition.go) ──▶ stalled or unassigned ── delivers ──▶ read
//
// The rules of release are in release_rules.go, the queues in queue_set.go and
// partition_queue.go, the need for end offsets in end_offsets.go, the wait for the last rows of
// a snapshot in snapshot_settle.go. The package is pure and imports only change: it reads
// nothing from the source, and does not decide which events have been applied before. Package
// pipeline's collect stage is its only caller.
package ordering
