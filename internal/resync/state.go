package resync

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"metadb/internal/catalog"
	"metadb/internal/datasource"
)

// Mode is the synchronization mode of a data source, as metadb.source.sync has
// it.
type Mode int16

// The modes of SPEC 6.
const (
	Normal  Mode = 0
	Initial Mode = 1
	Resync  Mode = 2
)

// state is what the database says about a data source and its synchronization.
type state struct {
	options *datasource.Options
	mode    Mode
	// started is when the resynchronization began, zero if that is not known.
	started time.Time
	// complete says why the snapshot counts as complete; empty until then.
	complete string
	// tables are those of the source, ordered by name.
	tables []*catalog.Table
	store  *catalog.Store
}

// load reads the state of a data source. That there is none of that name is an
// error.
func load(ctx context.Context, db *pgx.Conn, source string) (*state, error) {
	options, err := datasource.Load(ctx, db, source)
	if errors.Is(err, datasource.ErrNotExist) {
		return nil, fmt.Errorf("data source %q does not exist", source)
	}
	if err != nil {
		return nil, err
	}
	s := &state{options: options, store: catalog.NewStore()}
	const sql = `
SELECT s.sync, coalesce(r.started_at, 'epoch'), coalesce(r.complete, '')
  FROM metadb.source s LEFT JOIN metadb.resync r ON r.source_name = s.name
 WHERE s.name = $1`
	if err := db.QueryRow(ctx, sql, source).Scan(&s.mode, &s.started, &s.complete); err != nil {
		return nil, fmt.Errorf("read the state of the synchronization: %w", err)
	}
	if err := s.store.Load(ctx, db); err != nil {
		return nil, fmt.Errorf("read the tables: %w", err)
	}
	for t := range s.store.Snapshot().All() {
		if t.Source == source {
			s.tables = append(s.tables, t)
		}
	}
	return s, nil
}

// name is the data source's.
func (s *state) name() string { return s.options.Name }
