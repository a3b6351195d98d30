package server

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"metadb/internal/admin/command"
	"metadb/internal/backoff"
	"metadb/internal/change"
	"metadb/internal/source/kafka"
	"metadb/internal/target/checkpoint"
	"metadb/internal/target/gap"
)

// errSkipped restarts a stream after a command has moved a position.
var errSkipped = errors.New("a position was moved: reading the positions again")

// positionPollInterval is the time for which the position of a partition must be unchanged before
// it is moved, so that records before the unreadable ones are applied first. positionTimeout
// bounds the wait for that.
const (
	positionPollInterval = 300 * time.Millisecond
	positionTimeout      = 5 * time.Second
)

// skipPartition moves the position of a data source in a partition to an offset. The skipped
// records are stored as a gap in the stream. It returns their number.
func (s *supervisor) skipPartition(ctx context.Context, source string, part change.Partition, to int64) (int64, error) {
	options, err := s.optionsInUse(ctx, source)
	if err != nil {
		return 0, err
	}
	all, err := kafka.QueryBounds(ctx, options.BrokerList(), kafka.SecurityOf(options, s.key), []string{part.Topic})
	if err != nil {
		return 0, err
	}
	bounds, exists := all[part]
	switch {
	case !exists:
		return 0, &command.SkipError{Reason: fmt.Sprintf("there is no partition %s", part)}
	case to > bounds.End:
		return 0, &command.SkipError{Reason: fmt.Sprintf("partition %s ends at offset %d", part, bounds.End)}
	}
	if err := s.awaitStillPosition(ctx, source, options.ConsumerGroup, part); err != nil {
		return 0, err
	}
	var missing int64
	err = s.tables.withoutBatches(func() error {
		return pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) (err error) {
			mark := change.PartitionProgress{Next: to, TopicID: bounds.TopicID}
			if missing, err = checkpoint.Skip(ctx, tx, source, options.ConsumerGroup, part, bounds.Start, mark); err != nil {
				return err
			}
			return gap.Add(ctx, tx, source, change.Gap{
				Partition: part, Missing: missing, Reason: fmt.Sprintf("records of %s before offset %d were skipped by a command", part, to),
			})
		})
	})
	var passed *checkpoint.PassedError
	switch {
	case errors.As(err, &passed):
		return 0, &command.SkipError{Reason: passed.Error()}
	case err != nil:
		return 0, err
	}
	s.mu.Lock()
	one := s.running[source]
	s.mu.Unlock()
	if one != nil {
		one.restart(errSkipped)
	}
	return missing, nil
}

// awaitStillPosition waits until the stored position of a partition is unchanged for
// positionPollInterval, or until positionTimeout has passed.
func (s *supervisor) awaitStillPosition(ctx context.Context, source, group string, part change.Partition) error {
	last := int64(-1)
	for began := time.Now(); time.Since(began) < positionTimeout; {
		marks, err := checkpoint.Load(ctx, s.pool, source, group, []change.Partition{part})
		if err != nil {
			return err
		}
		mark := marks[part]
		if mark.Next == last {
			return nil
		}
		last = mark.Next
		if err := backoff.Sleep(ctx, positionPollInterval); err != nil {
			return err
		}
	}
	return nil
}
