package pipeline

import (
	"context"
	"errors"

	"metadb/internal/change"
)

// A transaction takes about ten locks for each table that it makes, and PostgreSQL
// has room for 6,400 with its defaults, for everybody: the first batch of a source
// with many small tables would need more. Such a batch is applied in parts, topic by
// topic: order is kept per key, and a key has one topic. What its records say of
// snapshots is told with the last part.
// https://www.postgresql.org/docs/current/runtime-config-locks.html

// mostTopics is how many topics a transaction has events of, at most.
const mostTopics = 100

// outOfMemory is the SQLSTATE of a table of locks that is full, too.
const outOfMemory = "53200"

// parts cuts a batch into as few parts as go.
func (b *batch) parts() []*batch {
	var parts []*batch
	for part := b.cut(mostTopics); part != nil; part = b.cut(mostTopics) {
		parts = append(parts, part)
	}
	return append(parts, b)
}

// narrower has half of a batch applied, if that may help where the database has
// not enough memory for all of it. It reports whether it was.
func (p *pipeline) narrower(ctx context.Context, b *batch, failure error) (bool, error) {
	var c coded
	if !errors.As(failure, &c) || c.SQLState() != outOfMemory {
		return false, nil
	}
	part := b.cut((len(b.topics()) + 1) / 2)
	if part == nil {
		return false, b.narrowYears(failure)
	}
	return true, p.applyPart(ctx, part)
}

// cut takes so many topics out of a batch that has events of more, nil if it has
// not. Those that tell the end of a snapshot come last.
func (b *batch) cut(most int) *batch {
	all := b.topics()
	if len(all) <= most {
		return nil
	}
	last := make(map[string]bool)
	for _, at := range b.marks.all.last {
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
	return b.split(first)
}

// topics are those of the batch's events, in the order of their first ones.
func (b *batch) topics() []string {
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
