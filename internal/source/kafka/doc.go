// Package kafka is the start of the data path: it consumes a data source's topics
// and delivers decoded events.
//
// It owns the Kafka client: the consumer group, the matching topics, the offsets
// where reading begins, bounded fetches, missing records (gaps). Every partition
// begins at the position that is stored with the rows; the group's own offsets
// count only without a stored one, and are committed afterwards for tools that
// watch lag.
//
// It does not interpret, hold back or repeat events: package pipeline does. It does
// not delay a rebalance for events that are not applied yet: two members of the group
// may read one partition for a moment, since the positions in the database are fenced.
package kafka
