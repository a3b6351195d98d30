package server

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"metadb/internal/datasource"
	"metadb/internal/status"
)

// untouchedSegment is the checkpoint_segment_size that every database begins
// with, a number of Metadb 1.4's: nobody chose it, and the pipeline's own default
// is a third faster.
const untouchedSegment = 3000

// stored is what the database says about a stream when it is built.
type stored struct {
	options *datasource.Options
	// deadline of a snapshot; 0 for none.
	deadline time.Duration
	// batchEvents is how many events a batch may have; 0 for the default.
	batchEvents int
}

// load reads what a stream is built from, and, but for the first time, the catalog: another
// server, or a commit whose answer was lost, may have changed the tables.
func (s *stream) load(ctx context.Context) (*stored, error) {
	s.state.SetStream(status.Starting, "")
	if !s.loaded {
		if err := s.tables.reload(ctx, s.pool); err != nil {
			return nil, err
		}
	}
	s.loaded = false
	s.showFaults(s.tables.faults())
	now, err := datasource.Load(ctx, s.pool, s.captured.Name)
	if err != nil {
		return nil, fmt.Errorf("read the data source: %w", err)
	}
	result := &stored{}
	if result.options, err = refreshed(s.captured, now); err != nil {
		return nil, err
	}
	if err := s.loadParameters(ctx, result); err != nil {
		return nil, fmt.Errorf("read the parameters: %w", err)
	}
	if err := s.loadScope(ctx); err != nil {
		return nil, err
	}
	s.countConfirmed()
	if err := s.loadGaps(ctx); err != nil {
		return nil, err
	}
	return result, nil
}

// refreshed returns the captured options with those that are live as they are
// stored now.
func refreshed(captured, now *datasource.Options) (*datasource.Options, error) {
	options := *captured
	for _, key := range datasource.Names() {
		if !datasource.Live(key) {
			continue
		}
		value, given := now.Get(key)
		var err error
		if given {
			err = options.Set(key, value)
		} else {
			err = options.Unset(key)
		}
		if err != nil {
			return nil, fmt.Errorf("option %s: %w", key, err)
		}
	}
	return &options, nil
}

// loadParameters reads the parameters and the number of rejected events.
func (s *stream) loadParameters(ctx context.Context, result *stored) error {
	const sql = `
SELECT (SELECT extract(epoch FROM value::interval)::float8 FROM metadb.config WHERE parameter = 'snapshot_deadline'),
       coalesce((SELECT value::int FROM metadb.config WHERE parameter = 'checkpoint_segment_size'), 0),
       (SELECT count(*) FROM metadb.rejected_event e WHERE e.source_name = s.name)
  FROM metadb.source s
 WHERE s.name = $1`
	var seconds *float64
	var rejected int64
	err := s.pool.QueryRow(ctx, sql, s.captured.Name).Scan(&seconds, &result.batchEvents, &rejected)
	if errors.Is(err, pgx.ErrNoRows) {
		return datasource.ErrNotExist
	}
	if err != nil {
		return err
	}
	if seconds != nil {
		result.deadline = time.Duration(*seconds * float64(time.Second))
	}
	s.state.SetRejected(rejected)
	if result.batchEvents == untouchedSegment {
		result.batchEvents = 0
	}
	return nil
}
