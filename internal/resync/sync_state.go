package resync

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"metadb/internal/change"
	"metadb/internal/datasource"
	"metadb/internal/target/catalog"
)

// Mode is the synchronization mode of a data source, as in metadb.source.sync.
type Mode int16

// The modes of docs/spec/06-synchronization.md#modes. A table is in Normal or in Resync.
const (
	Normal  Mode = 0
	Initial Mode = 1
	Resync  Mode = 2
)

// Target is a data source or, if Table is not empty, one of its tables.
type Target struct {
	Source string
	Table  change.Table
}

// Whole reports whether the target is a data source.
func (t Target) Whole() bool { return t.Table == change.Table{} }

// String returns the target as messages name it.
func (t Target) String() string {
	if t.Whole() {
		return fmt.Sprintf("data source %q", t.Source)
	}
	return "table " + t.Table.String()
}

// keyArgs returns the values of the target's key in metadb.resync, followed by more.
func (t Target) keyArgs(more ...any) []any {
	return append([]any{t.Source, t.Table.Schema, t.Table.Name}, more...)
}

// isTargetSQL is the condition that a row of metadb.resync or metadb.resync_from is the
// target's; keyArgs are its parameters $1 to $3.
const isTargetSQL = "source_name = $1 AND schema_name = $2 AND table_name = $3"

// ErrUnderway is the error for a table of a data source that is being synchronized.
var ErrUnderway = errors.New("is being synchronized")

// syncState is the stored state of a target and its synchronization.
type syncState struct {
	target  Target
	options *datasource.Options
	mode    Mode
	// started is the time when the resynchronization began; the epoch if unknown.
	started time.Time
	// complete is the reason why the snapshot counts as complete; empty until it does.
	complete string
	// validity selects the valid confirmations.
	validity confirmationValidity
	// tables are the target's tables, ordered by name.
	tables []*catalog.Table
	store  *catalog.Store
	server *RunningServer
}

// RunningServer is the running server with its streams.
type RunningServer struct {
	// Store has the tables that the streams use.
	Store *catalog.Store
	// Exclusively calls a function while no stream applies a batch.
	Exclusively func(do func() error) error
	// InvalidateCatalog is called, in Exclusively, after a transaction that may have changed a
	// table has returned an error: the tables in Store may differ from the database.
	InvalidateCatalog func()
	// ScopeChanged is called, in Exclusively, after a change of the events that confirm.
	ScopeChanged func()
}

// exclusively calls a function while no stream applies, or at once without a running server.
func (l *RunningServer) exclusively(do func() error) error {
	if l == nil {
		return do()
	}
	return l.Exclusively(do)
}

func (l *RunningServer) notifyScopeChanged() {
	if l != nil && l.ScopeChanged != nil {
		l.ScopeChanged()
	}
}

// loadState loads the state of a target. A data source or table that does not exist is an
// error. server is nil without a running server.
func loadState(ctx context.Context, db *pgx.Conn, target Target, server *RunningServer) (*syncState, error) {
	options, err := datasource.Load(ctx, db, target.Source)
	if errors.Is(err, datasource.ErrNotExist) {
		return nil, fmt.Errorf("data source %q does not exist", target.Source)
	}
	if err != nil {
		return nil, err
	}
	s := &syncState{target: target, options: options, server: server}
	if err := s.loadMode(ctx, db); err != nil {
		return nil, err
	}
	if server != nil {
		s.store = server.Store
	} else {
		s.store = catalog.NewStore()
		if err := s.store.Load(ctx, db); err != nil {
			return nil, fmt.Errorf("read the tables: %w", err)
		}
	}
	for t := range s.store.Snapshot().All() {
		// A transformed row is confirmed and ended with its parent.
		if !t.IsTransformed() && t.Source == target.Source && (target.Whole() || t.Name == target.Table) {
			s.tables = append(s.tables, t)
		}
	}
	for _, t := range s.tables {
		if t.Fault != nil {
			return nil, fmt.Errorf("table %s can't be used: %w", t.Name, t.Fault)
		}
	}
	if !target.Whole() && len(s.tables) == 0 {
		return nil, fmt.Errorf("table %s does not exist in data source %q", target.Table, target.Source)
	}
	return s, nil
}

// loadMode reads the stored state of the target's synchronization. A table can't be
// synchronized while its data source is.
func (s *syncState) loadMode(ctx context.Context, db *pgx.Conn) error {
	const sql = `
SELECT s.sync, r.source_name IS NOT NULL, coalesce(r.started_at, 'epoch'), coalesce(r.complete, ''), coalesce(r.keeps_confirmed, false)
  FROM metadb.source s LEFT JOIN metadb.resync r
       ON r.source_name = s.name AND r.schema_name = $2 AND r.table_name = $3
 WHERE s.name = $1`
	var under bool
	if err := db.QueryRow(ctx, sql, s.target.keyArgs()...).Scan(&s.mode, &under, &s.started, &s.complete, &s.validity.keepsConfirmed); err != nil {
		return fmt.Errorf("read the state of the synchronization: %w", err)
	}
	if s.mode == Initial {
		s.started = time.Unix(0, 0) // it began before anything was read
	}
	if s.target.Whole() {
		s.validity.keepsConfirmed = s.validity.keepsConfirmed || s.mode != Initial
		return s.loadValidity(ctx, db)
	}
	if s.mode != Normal {
		return fmt.Errorf("data source %q %w, and table %s with it", s.target.Source, ErrUnderway, s.target.Table)
	}
	if under {
		s.mode = Resync
	}
	s.validity.keepsConfirmed = true
	return s.loadValidity(ctx, db)
}
