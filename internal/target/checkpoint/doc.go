// Package checkpoint owns metadb.stream_position: the position up to which each partition of a
// source has been applied. It writes positions in the transaction of the rows, and only where the
// stored position is the expected one, so that two readers of one partition can't both apply it.
//
// It refuses to open or commit transactions, and does not use Kafka's own offsets.
package checkpoint
