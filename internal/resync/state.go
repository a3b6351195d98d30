package resync

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"metadb/internal/catalog"
	"metadb/internal/change"
	"metadb/internal/datasource"
)

// Mode is the synchronization mode of a data source, as metadb.source.sync has
// it.
type Mode int16

// The modes of docs/spec/06-synchronization.md#modes. A table is in Normal or in Resync.
const (
	Normal  Mode = 0
	Initial Mode = 1
	Resync  Mode = 2
)

// Target is what is synchronized: a data source or, if Table is not empty, one
// table of it.
type Target struct {
	Source string
	Table  change.Table
}

// Whole reports whether it is a data source.
func (t Target) Whole() bool { return t.Table == change.Table{} }

// String returns it as messages name it.
func (t Target) String() string {
	if t.Whole() {
		return fmt.Sprintf("data source %q", t.Source)
	}
	return "table " + t.Table.String()
}

// args are the values of a row's key in metadb.resync.
func (t Target) args(more ...any) []any {
	return append([]any{t.Source, t.Table.Schema, t.Table.Name}, more...)
}

// itself is the condition that a row of metadb.resync or metadb.resync_from is
// the target's, whose args are $1 to $3.
const itself = "source_name = $1 AND schema_name = $2 AND table_name = $3"

// ErrUnderway says that a table's data source is being synchronized.
var ErrUnderway = errors.New("is being synchronized")

// state is what the database says about a target and its synchronization.
type state struct {
	Target
	options *datasource.Options
	mode    Mode
	// started is when the resynchronization began, zero if that is not known.
	started time.Time
	// complete says why the snapshot counts as complete; empty until then.
	complete string
	// counted says which confirmations count.
	counted
	// tables are the target's, ordered by name.
	tables []*catalog.Table
	store  *catalog.Store
	live   *Live
}

// Live is a running server whose streams go on meanwhile.
type Live struct {
	// Store has the tables that the streams work with.
	Store *catalog.Store
	// Exclusive does something while no batch is being applied, of any stream.
	Exclusive func(do func() error) error
	// Doubtful is called, in Exclusive, when nobody has answered whether a
	// table was changed: what Store has may not be so any more.
	Doubtful func()
	// Changed is called, in Exclusive, when what confirms has changed.
	Changed func()
}

// exclusive keeps the streams, if there are any, from applying meanwhile.
func (l *Live) exclusive(do func() error) error {
	if l == nil {
		return do()
	}
	return l.Exclusive(do)
}

func (l *Live) changed() {
	if l != nil && l.Changed != nil {
		l.Changed()
	}
}

// load reads the state of a target. That there is no data source or table of
// that name is an error. live is nil where no server runs.
func load(ctx context.Context, db *pgx.Conn, target Target, live *Live) (*state, error) {
	options, err := datasource.Load(ctx, db, target.Source)
	if errors.Is(err, datasource.ErrNotExist) {
		return nil, fmt.Errorf("data source %q does not exist", target.Source)
	}
	if err != nil {
		return nil, err
	}
	s := &state{Target: target, options: options, live: live}
	if err := s.loadMode(ctx, db); err != nil {
		return nil, err
	}
	if live != nil {
		s.store = live.Store
	} else {
		s.store = catalog.NewStore()
		if err := s.store.Load(ctx, db); err != nil {
			return nil, fmt.Errorf("read the tables: %w", err)
		}
	}
	for t := range s.store.Snapshot().All() {
		// A transformed row is confirmed through its parent, and ends with it.
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

// loadMode reads what the database says of the target's synchronization. A table
// can't be synchronized while its data source is.
func (s *state) loadMode(ctx context.Context, db *pgx.Conn) error {
	const sql = `
SELECT s.sync, r.source_name IS NOT NULL, coalesce(r.started_at, 'epoch'), coalesce(r.complete, ''), coalesce(r.keeps_confirmed, false)
  FROM metadb.source s LEFT JOIN metadb.resync r
       ON r.source_name = s.name AND r.schema_name = $2 AND r.table_name = $3
 WHERE s.name = $1`
	var under bool
	if err := db.QueryRow(ctx, sql, s.args()...).Scan(&s.mode, &under, &s.started, &s.complete, &s.keeps); err != nil {
		return fmt.Errorf("read the state of the synchronization: %w", err)
	}
	if s.mode == Initial {
		s.started = time.Unix(0, 0) // it began before anything was read
	}
	if s.Whole() {
		s.keeps = s.keeps || s.mode != Initial
		return s.loadCounted(ctx, db)
	}
	if s.mode != Normal {
		return fmt.Errorf("data source %q %w, and table %s with it", s.Source, ErrUnderway, s.Table)
	}
	if under {
		s.mode = Resync
	}
	s.keeps = true
	return s.loadCounted(ctx, db)
}
