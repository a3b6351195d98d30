package server

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"metadb/internal/datasource"
	"metadb/internal/observe/status"
)

// oldDefaultSegmentSize is the initial checkpoint_segment_size of every database, from Metadb
// 1.4. It is not an administrator's choice, and the pipeline's own default is a third faster.
const oldDefaultSegmentSize = 3000

// streamSettings are the settings in the database from which a stream is built.
type streamSettings struct {
	options *datasource.Options
	// deadline is that of a snapshot; 0 for no deadline.
	deadline time.Duration
	// batchEvents is the maximum number of events of a batch; 0 for the default.
	batchEvents int
}

// loadSettings reads the settings of a stream and, except for the first time, the catalog:
// another server may have changed the tables, or a commit without an answer.
func (s *stream) loadSettings(ctx context.Context) (*streamSettings, error) {
	s.state.SetStream(status.Starting, "")
	if !s.loaded {
		if err := s.tables.reloadCatalog(ctx, s.pool); err != nil {
			return nil, err
		}
	}
	s.loaded = false
	s.showFaults(s.tables.tableFaults())
	now, err := datasource.Load(ctx, s.pool, s.startOptions.Name)
	if err != nil {
		return nil, fmt.Errorf("read the data source: %w", err)
	}
	result := &streamSettings{}
	if result.options, err = withLiveOptions(s.startOptions, now); err != nil {
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

// withLiveOptions returns the captured options with the stored values of the live options.
func withLiveOptions(captured, now *datasource.Options) (*datasource.Options, error) {
	options := *captured
	for _, key := range datasource.Names() {
		if !datasource.IsLive(key) {
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
func (s *stream) loadParameters(ctx context.Context, result *streamSettings) error {
	const sql = `
SELECT (SELECT extract(epoch FROM value::interval)::float8 FROM metadb.config WHERE parameter = 'snapshot_deadline'),
       coalesce((SELECT value::int FROM metadb.config WHERE parameter = 'checkpoint_segment_size'), 0),
       (SELECT count(*) FROM metadb.rejected_event e WHERE e.source_name = s.name)
  FROM metadb.source s
 WHERE s.name = $1`
	var seconds *float64
	var rejected int64
	err := s.pool.QueryRow(ctx, sql, s.startOptions.Name).Scan(&seconds, &result.batchEvents, &rejected)
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
	if result.batchEvents == oldDefaultSegmentSize {
		result.batchEvents = 0
	}
	return nil
}
