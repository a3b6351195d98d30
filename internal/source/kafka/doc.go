// Package kafka is the beginning of the line that data travel: it consumes a
// data source's topics and delivers decoded events.
//
// It owns the Kafka client: the consumer group, the topics that match, where
// reading begins, bounded fetches, what is missing (gaps). Every partition
// begins at the position that is stored with the rows; the group's own offsets
// count only where there is none, and are committed afterwards for tools that
// watch lag.
//
// It refuses to decide what an event means, and to hold back or repeat one:
// that is pipeline's. It does not keep a rebalance waiting either: that two
// members may believe for a moment that a partition is theirs is harmless,
// since the positions in the database are fenced.
package kafka
