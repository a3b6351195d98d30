package source

import (
	"context"
	"log/slog"
	"time"

	"metadb/internal/change"
	"metadb/internal/datasource"
)

// Source delivers the change events of one data source. Fetch is called by one goroutine at a time,
// the other methods beside it.
type Source interface {
	// Fetch waits for the next events. Each partition is announced as assigned before its first
	// event, with its stored progress. After an error that is not the context's it may be called
	// again; an error that wraps [ErrNothingToRead] is a state and no failure.
	Fetch(ctx context.Context) (change.Delivery, error)
	// Ack acknowledges spans that are applied and committed. It does not fail, and the stream does
	// not depend on it: the positions are in the database.
	Ack(ctx context.Context, spans []change.Span)
	// Ends returns the offsets after the last event of all partitions of some lanes, of all lanes
	// for nil: the events before them can be fetched. With an error it returns those of the lanes
	// for which all are known.
	Ends(ctx context.Context, lanes []change.Lane) (map[change.Partition]int64, error)
	// Pause pauses the given partitions and resumes all others.
	Pause(parts []change.Partition)
	// Close releases the source. Fetch must have returned.
	Close()
}

// Bounds are the offsets of the first readable event of a partition and of the one after the last,
// and the identity of its topic, zero if the source has none.
type Bounds struct {
	Start, End int64
	TopicID    change.TopicID
}

// Settings are what a source is opened with.
type Settings struct {
	Options *datasource.Options
	// Secrets decrypts the passwords in the options.
	Secrets datasource.Opener
	// Identity is the name of this installation, for members of groups and the like.
	Identity string
	// LoadProgress returns the stored progress of some partitions, of all for nil; partitions
	// without one are absent.
	LoadProgress func(context.Context, []change.Partition) (map[change.Partition]change.PartitionProgress, error)
	// MaxRecordBytes bounds a record; zero is the kind's default. A larger one is rejected without
	// its value.
	MaxRecordBytes int
	// OnDecoded, if not nil, is called with the duration of decoding a delivery.
	OnDecoded func(took time.Duration)
	// Logger gets warnings, and messages of clients at the level debug.
	Logger *slog.Logger
}
