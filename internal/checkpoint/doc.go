// Package checkpoint owns metadb.stream_position: how far each partition of a
// source has been applied. It writes positions in the transaction of the rows,
// and only where the stored position is the expected one, so that two readers
// of one partition can't both apply it.
//
// It refuses to open or commit transactions, and knows nothing of Kafka's own
// offsets.
package checkpoint
