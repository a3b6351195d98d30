// Package gap owns metadb.stream_gap, the records known to be missing in the streams, and
// metadb.topic_table, the tables that the events of a topic are for.
//
// A gap belongs to a partition of a topic: records that retention removed, a topic that was
// deleted, records that an administrator skipped, events of a refused table that were counted and
// not stored. It is recorded when it is found, and removed when the data source is resynchronized,
// or when every table of its topic has been read again by a synchronization of its own.
//
// The package refuses to look for gaps: package source/kafka finds those of offsets, package server
// those of deleted topics and skipped records, package apply those of refused tables.
package gap
