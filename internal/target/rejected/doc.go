// Package rejected tries the events of metadb.rejected_event again.
//
// It owns in which pieces and in which order they are read, and what is tried
// again when somebody else has a table locked. It refuses to know how a record is
// decoded and what an event does to a table: it is given both, and how to keep
// the streams out meanwhile.
package rejected
