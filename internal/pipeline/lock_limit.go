package pipeline

import (
	"context"

	"metadb/internal/change"
	"metadb/internal/target/pgcode"
)

// A transaction takes about ten locks for each table that it creates, and PostgreSQL's
// default settings allow 6,400 locks for all sessions: the first batch of a source
// with many small tables would need more. Such a batch is applied in parts, divided by
// topic: order is kept per key, and a key has one topic. The signals of snapshots
// are reported with the last part.
// https://www.postgresql.org/docs/current/runtime-config-locks.html

// maxBatchTopics bounds the topics with events in one transaction.
const maxBatchTopics = 100

// splitByTopics splits a batch into as few parts as possible, of maxBatchTopics each.
func (b *batch) splitByTopics() []*batch {
	var parts []*batch
	for part := b.splitOffTopics(maxBatchTopics); part != nil; part = b.splitOffTopics(maxBatchTopics) {
		parts = append(parts, part)
	}
	return append(parts, b)
}

// applyHalf applies the first half of a batch's topics, if the failure is the lack of memory
// for locks. It reports whether it did. A batch of one topic fails with a YearsError instead.
func (p *pipeline) applyHalf(ctx context.Context, b *batch, failure error) (bool, error) {
	if !pgcode.Is(failure, pgcode.OutOfMemory) {
		return false, nil
	}
	part := b.splitOffTopics((len(b.topicsInOrder()) + 1) / 2)
	if part == nil {
		return false, b.reduceYears(failure)
	}
	return true, p.applyWithRetry(ctx, part)
}

// splitOffTopics takes the given number of topics out of a batch, and returns nil if the batch
// has no more than that. Topics with the end of a snapshot stay to the last.
func (b *batch) splitOffTopics(most int) *batch {
	all := b.topicsInOrder()
	if len(all) <= most {
		return nil
	}
	last := make(map[string]bool)
	for _, at := range b.signals.all.lastRecords {
		last[at.Partition.Topic] = true
	}
	first := make(map[string]bool, most)
	for _, late := range []bool{false, true} {
		for _, topic := range all {
			if len(first) < most && last[topic] == late {
				first[topic] = true
			}
		}
	}
	return b.splitTopics(first)
}

// topicsInOrder returns the topics of the batch's events, in the order of their first events.
func (b *batch) topicsInOrder() []string {
	var topics []string
	known := make(map[string]bool)
	var latest change.Partition
	for i := range b.Events {
		part := b.Events[i].Position.Partition
		if part == latest || known[part.Topic] {
			continue
		}
		latest = part
		known[part.Topic] = true
		topics = append(topics, part.Topic)
	}
	return topics
}
