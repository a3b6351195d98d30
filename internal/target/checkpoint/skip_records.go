package checkpoint

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"metadb/internal/change"
)

// PassedError is the error of a skip to an offset that the partition has reached already.
type PassedError struct {
	Partition change.Partition
	Next      int64
}

func (e *PassedError) Error() string {
	return fmt.Sprintf("partition %s has been read up to offset %d already", e.Partition, e.Next)
}

// The statements of Skip.
const (
	lockPositionSQL = `
		SELECT next_offset FROM metadb.stream_position
			WHERE source_name = $1 AND consumer_group = $2 AND topic = $3 AND partition = $4 FOR UPDATE`

	skipSQL = `
		INSERT INTO metadb.stream_position AS p (source_name, consumer_group, topic, partition, next_offset, reached, topic_id)
			VALUES ($1, $2, $3, $4, $5, $5, $6)
			ON CONFLICT (source_name, consumer_group, topic, partition) DO UPDATE
				SET next_offset = excluded.next_offset, reached = greatest(p.reached, excluded.next_offset), topic_id = excluded.topic_id,
					updated_at = now()`
)

// Skip moves the position of a partition forward, in tx, and returns the number of skipped records.
// Without a stored position, first is the offset where reading has begun. The rest of the
// partition's progress stays. A batch that was read before is fenced off.
func Skip(ctx context.Context, tx pgx.Tx, source, group string, part change.Partition, first int64, to change.PartitionProgress) (passed int64, err error) {
	next := first
	err = tx.QueryRow(ctx, lockPositionSQL, source, group, part.Topic, part.Number).Scan(&next)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return 0, fmt.Errorf("read the position of %s: %w", part, err)
	}
	if to.Next <= next {
		return 0, &PassedError{Partition: part, Next: next}
	}
	var id *[16]byte
	if to.TopicID != (change.TopicID{}) {
		id = (*[16]byte)(&to.TopicID)
	}
	if _, err := tx.Exec(ctx, "SET LOCAL synchronous_commit = on"); err != nil {
		return 0, fmt.Errorf("move the position of %s: %w", part, err)
	}
	if _, err := tx.Exec(ctx, skipSQL, source, group, part.Topic, part.Number, to.Next, id); err != nil {
		return 0, fmt.Errorf("move the position of %s: %w", part, err)
	}
	return to.Next - next, nil
}
