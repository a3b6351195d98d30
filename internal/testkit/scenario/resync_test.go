package scenario_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"

	"github.com/jackc/pgx/v5"

	"metadb/internal/change"
	"metadb/internal/datasource"
	"metadb/internal/resync"
	"metadb/internal/source"
	"metadb/internal/testkit/scenario"
)

// The topics and the consumer group of the stream after a resynchronization began.
const (
	secondTopics = `^p2\.`
	secondGroup  = "sensor_2"
)

// sync carries out the first half of docs/spec/06-synchronization.md#the-compatible-procedure on a stopped line.
func (l *line) sync(t *testing.T, options *datasource.Options) {
	t.Helper()
	conn := l.connect(t)
	defer func() { _ = conn.Close(context.Background()) }()
	if err := datasource.Update(t.Context(), conn, options); err != nil {
		t.Fatal(err)
	}
	if err := resync.Sync(t.Context(), conn, scriptedPrompter{t}, resync.SyncOptions{Target: resync.Target{Source: sourceName}, Force: true, Bounds: nothingRead}); err != nil {
		t.Fatal(err)
	}
}

// endsync carries out the second half.
func (l *line) endsync(t *testing.T) []resync.TableCount {
	t.Helper()
	conn := l.connect(t)
	defer func() { _ = conn.Close(context.Background()) }()
	counts, err := resync.Endsync(t.Context(), conn, scriptedPrompter{t}, resync.EndsyncOptions{
		Target: resync.Target{Source: sourceName}, Force: true, ForceUnconfirmed: true, Logger: slog.New(l.log),
	})
	if err != nil {
		t.Fatal(err)
	}
	return counts
}

func (l *line) connect(t *testing.T) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), l.db.ConnString)
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

// nothingRead is the broker's answer for topics that are new.
func nothingRead(context.Context, *datasource.Options, []string) (map[change.Partition]source.Bounds, error) {
	return nil, nil
}

// scriptedPrompter logs warnings and answers each question with an error: the commands of a
// scenario must not need an answer.
type scriptedPrompter struct{ t *testing.T }

var _ resync.Prompter = scriptedPrompter{}

// Ask implements resync.Prompter.
func (scriptedPrompter) Ask(q resync.Question) (bool, error) {
	return false, errors.New("asked: " + q.Text)
}

// Warn implements resync.Prompter.
func (f scriptedPrompter) Warn(line string) { f.t.Log(line) }

// Progress implements resync.Prompter.
func (scriptedPrompter) Progress(change.Table, int64, int64) {}

// sync begins a resynchronization of the scenario's source.
func (p *scriptRun) sync(t *testing.T) error {
	t.Helper()
	p.line.stop(t)
	if err := errors.Join(p.options.Set("topics", secondTopics), p.options.Set("consumer_group", secondGroup)); err != nil {
		return err
	}
	p.line.sync(t, p.options)
	p.inResync = true
	p.start(t)
	return nil
}

// endsync ends the resynchronization and returns its counts.
func (p *scriptRun) endsync(t *testing.T) (string, error) {
	t.Helper()
	p.line.stop(t)
	counts := p.line.endsync(t)
	p.inResync = false
	p.start(t)
	return scenario.RenderCounts(counts), nil
}
