// Package gap owns metadb.stream_gap, what is known to be missing in the streams, and
// metadb.topic_table, which tables the events of a topic go to.
//
// A gap belongs to a partition of a topic: records that retention removed, a topic that
// was deleted, events of a refused table that were counted and not stored. It is
// recorded when it is found, and goes when the data source is resynchronized, or when
// every table of its topic has been read again by a synchronization of its own.
//
// The package refuses to look for gaps: package source/kafka finds those of offsets,
// package server those of topics that are gone, package history those of refused tables.
package gap
