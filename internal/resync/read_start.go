package resync

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"

	"github.com/jackc/pgx/v5"

	"metadb/internal/change"
	"metadb/internal/datasource"
	"metadb/internal/source"
	"metadb/internal/target/checkpoint"
	"metadb/internal/target/gap"
)

// BoundsFunc requests the bounds of every partition of some topics from the broker of a data
// source; nil topics stand for all topics of the data source. Topics that do not exist are
// absent.
//
// In partitions that have been read before, and are not read again from the beginning, only
// events from the end at the time of [Sync] on confirm: unread records there were written
// before the snapshot. In the synchronization of one table that is so for all existing
// partitions, since its snapshot is written to the same topics.
type BoundsFunc func(ctx context.Context, o *datasource.Options, topics []string) (map[change.Partition]source.Bounds, error)

// readStart has the offsets from which partitions are read and from which their events confirm.
// Partitions in neither map are read from their stored positions, and all their events confirm.
type readStart struct {
	confirmFrom map[change.Partition]int64
	readFrom    map[change.Partition]partitionStart
	// snapshotBefore is the snapshot that may have been in progress.
	snapshotBefore change.SnapshotID
}

// planReadStart plans the read starts from the stored positions of the consumer group. For a
// data source with positions it asks the prompter whether to read the topics again, unless the
// options contain the answer.
func (s *syncState) planReadStart(ctx context.Context, db *pgx.Conn, prompter Prompter, o SyncOptions) (readStart, error) {
	expressions, err := s.options.TopicExpressions()
	if err != nil {
		return readStart{}, err
	}
	if s.target.Whole() {
		if err := s.warnUnread(ctx, db, prompter, o.Bounds, expressions); err != nil {
			return readStart{}, err
		}
	}
	marks, err := checkpoint.Load(ctx, db, s.target.Source, s.options.ConsumerGroup, nil)
	if err != nil {
		return readStart{}, err
	}
	maps.DeleteFunc(marks, func(part change.Partition, _ change.PartitionProgress) bool {
		return !matchesAny(expressions, part.Topic)
	})
	if len(marks) == 0 {
		return readStart{}, nil
	}
	var topics []string // all
	if s.target.Whole() {
		topics = sortedTopics(marks)
	}
	bounds, err := o.Bounds(ctx, s.options, topics)
	if err != nil {
		return readStart{}, fmt.Errorf("ask the broker where the topics end: %w", err)
	}
	again := o.FromBeginning
	if s.target.Whole() {
		prompter.Warn(fmt.Sprintf("consumer group %q has read from %s of data source %q already",
			s.options.ConsumerGroup, change.Plural(len(sortedTopics(marks)), "topic", "topics"), s.target.Source))
		if !again && !o.Force {
			text := fmt.Sprintf("Read the topics of data source %q from the beginning? ", s.target.Source)
			if again, err = prompter.Ask(Question{AskFromBeginning, text}); err != nil {
				return readStart{}, err
			}
		}
	}
	if again {
		return readStart{readFrom: allPartitionStarts(marks, bounds)}, nil
	}
	begin := readStart{confirmFrom: make(map[change.Partition]int64, len(bounds)), snapshotBefore: newestSnapshot(marks)}
	for part, b := range bounds {
		begin.confirmFrom[part] = b.End
	}
	begin.readFrom = lostPartitionStarts(marks, bounds)
	if s.target.Whole() {
		prompter.Warn("only what comes from now on confirms rows: a snapshot that has been read before does not count")
	}
	if s.target.Whole() {
		return begin, nil
	}
	// Gaps in topics without records of this table stay to be found.
	topics, err = gap.Topics(ctx, db, s.target.Source, s.target.Table)
	maps.DeleteFunc(begin.readFrom, func(part change.Partition, _ partitionStart) bool { return !slices.Contains(topics, part.Topic) })
	return begin, err
}

// newestSnapshot returns the highest LSN and time of the stored positions: those of the
// snapshot that was being read, if there was one.
func newestSnapshot(marks map[change.Partition]change.PartitionProgress) change.SnapshotID {
	var id change.SnapshotID
	for _, mark := range marks {
		id.LSN = max(id.LSN, mark.HighLSN, mark.SnapshotLSN)
		id.Time = max(id.Time, mark.HighTime, mark.SnapshotTime)
	}
	return id
}

// warnUnread warns of the number of unread records in topics that the data source no longer
// reads, or of an error of the broker that prevents counting them.
func (s *syncState) warnUnread(ctx context.Context, db *pgx.Conn, prompter Prompter, ask BoundsFunc, expressions []*regexp.Regexp) error {
	rows, err := db.Query(ctx, `
SELECT topic, partition, max(next_offset) FROM metadb.stream_position
 WHERE source_name = $1 GROUP BY topic, partition`, s.target.Source)
	if err != nil {
		return fmt.Errorf("read positions: %w", err)
	}
	old := make(map[change.Partition]int64)
	var part change.Partition
	var next int64
	_, err = pgx.ForEachRow(rows, []any{&part.Topic, &part.Number, &next}, func() error {
		if !matchesAny(expressions, part.Topic) {
			old[part] = next
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("read positions: %w", err)
	}
	if len(old) == 0 {
		return nil
	}
	bounds, err := ask(ctx, s.options, sortedTopics(old))
	if err != nil {
		prompter.Warn(fmt.Sprintf("what stays unread in the old topics could not be counted: %v", err))
		return nil
	}
	unread := int64(0)
	for part, next := range old {
		unread += max(0, bounds[part].End-next)
	}
	if unread > 0 {
		prompter.Warn(fmt.Sprintf("%s unread in topics that data source %q no longer reads", change.Plural(unread, "record stays", "records stay"), s.target.Source))
	}
	return nil
}

// storeReadStart stores the offsets from which partitions confirm and are read.
func (b readStart) storeReadStart(ctx context.Context, tx pgx.Tx, s *syncState) error {
	topics, numbers, offsets := partitionArrays(b.confirmFrom)
	const confirm = `
INSERT INTO metadb.resync_from (source_name, schema_name, table_name, topic, partition, next_offset)
SELECT $1, $2, $3, * FROM unnest($4::text[], $5::int[], $6::bigint[])`
	if _, err := tx.Exec(ctx, confirm, s.target.keyArgs(topics, numbers, offsets)...); err != nil {
		return fmt.Errorf("store from where events confirm: %w", err)
	}
	const before = "UPDATE metadb.resync SET before_lsn = $4, before_time = $5 WHERE " + isTargetSQL
	if _, err := tx.Exec(ctx, before, s.target.keyArgs(int64(b.snapshotBefore.LSN), b.snapshotBefore.Time.UTC())...); err != nil {
		return fmt.Errorf("store which snapshot was before: %w", err)
	}
	return storePartitionStarts(ctx, tx, s, b.readFrom)
}

// partitionArrays returns partitions and their offsets as arrays.
func partitionArrays(from map[change.Partition]int64) (topics []string, numbers []int32, offsets []int64) {
	topics, numbers, offsets = []string{}, []int32{}, []int64{}
	for part, offset := range from {
		topics, numbers, offsets = append(topics, part.Topic), append(numbers, part.Number), append(offsets, offset)
	}
	return topics, numbers, offsets
}

// sortedTopics returns the topics of partitions, sorted.
func sortedTopics[V any](parts map[change.Partition]V) []string {
	topics := make(map[string]bool)
	for part := range parts {
		topics[part.Topic] = true
	}
	return slices.Sorted(maps.Keys(topics))
}

func matchesAny(expressions []*regexp.Regexp, topic string) bool {
	return slices.ContainsFunc(expressions, func(e *regexp.Regexp) bool { return e.MatchString(topic) })
}
