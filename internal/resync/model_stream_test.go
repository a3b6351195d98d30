package resync_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"metadb/internal/change"
	"metadb/internal/datasource"
	"metadb/internal/resync"
	"metadb/internal/source"
	"metadb/internal/target/apply"
	"metadb/internal/target/catalog"
	"metadb/internal/target/checkpoint"
	"metadb/internal/testkit/oracle"
)

// killer cancels a context at the beginning of a statement, to the same effect as a kill.
type killer struct {
	left   int
	cancel context.CancelFunc
}

func (k *killer) TraceQueryStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	if k.left--; k.left == 0 {
		k.cancel()
	}
	return ctx
}

func (k *killer) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

// model is a source, the database that follows it, and the oracle.
type model struct {
	*rig
	*origin
	t       testing.TB
	oracle  *oracle.Oracle
	store   *catalog.Store
	applier *apply.Applier
	killer  killer
	// lazy is true if no records are read at present.
	lazy bool
	// calm is true if nothing is killed at present.
	calm  bool
	marks map[change.Partition]change.PartitionProgress
	scope *resync.Scope
	// at is the time at which endsync ends rows.
	at change.Micros
	// doubts has the numbers of rejected events of unknown key in the present
	// resynchronization, by table.
	doubts map[change.Table]int
	// present is the first applied record of the latest attempt of the snapshot.
	present change.Event
	// filled is true if the source has rows already.
	filled bool
}

func (m *model) group() string { return fmt.Sprintf("metadb_sensor_%d_1", m.connector) }

// begin starts the stream with the state of the database, as a server does after a kill.
func (m *model) begin() {
	if m.applier != nil {
		_ = m.applier.Close(context.Background())
	}
	m.store = catalog.NewStore()
	m.must(m.store.Load(context.Background(), m.db.Pool))
	m.applier = apply.New(apply.Config{
		Source: "sensor", Group: m.group(), Store: m.store, Logger: slog.New(slog.DiscardHandler),
		Connect: func(ctx context.Context) (*pgx.Conn, error) { return m.connect(ctx) },
	})
	m.load()
}

// load reads the stored state of the stream.
func (m *model) load() {
	var err error
	m.marks, err = checkpoint.Load(context.Background(), m.db.Pool, "sensor", m.group(), nil)
	m.must(err)
	m.scope, err = resync.LoadScope(context.Background(), m.db.Pool, "sensor")
	m.must(err)
}

func (m *model) must(err error) {
	m.t.Helper()
	if err != nil {
		m.t.Fatal(err)
	}
}

// connect opens a connection with the killer as its tracer.
func (m *model) connect(ctx context.Context) (*pgx.Conn, error) {
	config, err := pgx.ParseConfig(m.db.ConnString)
	if err != nil {
		return nil, err
	}
	config.Tracer = &m.killer
	return pgx.ConnectConfig(ctx, config)
}

// danger returns a context that, in one of so many cases, is canceled at a random statement.
func (m *model) danger(one int) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.Background())
	m.killer = killer{cancel: cancel}
	if m.IntN(one) == 0 && !m.calm {
		m.killer.left = 1 + m.IntN(25)
	}
	return ctx, cancel
}

// unread reports whether there are unread records.
func (m *model) unread() bool {
	for part, records := range m.log {
		if strings.HasPrefix(part.Topic, fmt.Sprintf("metadb_sensor_%d.", m.connector)) && m.marks[part].Next < int64(len(records)) {
			return true
		}
	}
	return false
}

// step applies some of the unread records, with the partitions in random order.
func (m *model) step() {
	batch := &change.Batch{Source: "sensor"}
	var parts []change.Partition
	for part := range m.log {
		if strings.HasPrefix(part.Topic, fmt.Sprintf("metadb_sensor_%d.", m.connector)) {
			parts = append(parts, part)
		}
	}
	slices.SortFunc(parts, func(a, b change.Partition) int { return strings.Compare(a.String(), b.String()) })
	m.Shuffle(len(parts), func(i, j int) { parts[i], parts[j] = parts[j], parts[i] })
	for _, part := range parts {
		mark, stored := m.marks[part]
		waiting := m.log[part][mark.Next:]
		n := min(len(waiting), 1+m.IntN(5))
		if n == 0 {
			continue
		}
		span := change.Span{Partition: part, Fresh: !stored, From: mark, To: mark}
		for _, e := range waiting[:n] {
			to := &span.To
			judge(to, &e)
			to.Next++
			batch.Events = append(batch.Events, e)
		}
		batch.Spans = append(batch.Spans, span)
		if m.IntN(2) == 0 {
			break
		}
	}
	if len(batch.Spans) == 0 {
		return
	}
	mark(batch, m.scope, m.filled)
	ctx, cancel := m.danger(12)
	defer cancel()
	if _, err := m.applier.Apply(ctx, batch); err != nil {
		if ctx.Err() == nil {
			m.t.Fatalf("apply: %v", err)
		}
		m.begin()
		if m.marks[batch.Spans[0].Partition].Next != batch.Spans[0].To.Next {
			return // it was not committed
		}
	}
	for _, span := range batch.Spans {
		m.marks[span.Partition] = span.To
	}
	for i := range batch.Events {
		m.read(batch.Events[i])
	}
	if len(batch.Snapshots) > 0 {
		m.load()
	}
}

// judge marks an event that has been applied before, as the pipeline does.
func judge(mark *change.PartitionProgress, e *change.Event) {
	if e.IsUndated() {
		e.NotBefore = mark.LatestTime()
		return
	}
	if e.Snapshot != change.Streamed {
		e.Suspect = e.Snapshot != change.Incremental && mark.SuspectsRow(e)
		mark.AdvanceSnapshot(e)
		return
	}
	key := change.KeyHash(e)
	verdict := mark.Judge(e, key)
	e.Suspect, e.Repeated = verdict != change.New, verdict == change.Repeated
	if verdict == change.New {
		mark.Advance(e, key, verdict, false)
	}
}

// read applies an event to the oracle after the stream has applied it.
func (m *model) read(e change.Event) {
	if e.Op == change.Upsert && bytes.HasSuffix(e.Row, []byte(bad)) {
		e.Op = change.Reject
	}
	if e.Op == change.Reject && e.Shape == nil && e.Confirm {
		m.doubts[e.Table]++
	}
	m.filled = m.filled || e.Op == change.Upsert
	if as, undated := m.undated[e.Position]; undated {
		e.Snapshot, e.FirstInSnapshot, e.LSN, e.Tx, e.Time = as.Snapshot, as.FirstInSnapshot, as.LSN, as.Tx, as.Time
	}
	e.Confirm = m.confirmedAt(&e)
	m.oracle.Apply(&e)
}

// drain applies all unread records.
func (m *model) drain() {
	for m.unread() {
		m.step()
	}
}

// bounds is a resync.BoundsFunc.
func (m *model) bounds(_ context.Context, _ *datasource.Options, topics []string) (map[change.Partition]source.Bounds, error) {
	found := make(map[change.Partition]source.Bounds)
	for part, records := range m.log {
		if topics == nil || slices.Contains(topics, part.Topic) {
			found[part] = source.Bounds{End: int64(len(records))}
		}
	}
	return found, nil
}
