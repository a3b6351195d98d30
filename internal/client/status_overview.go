package client

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype/zeronull"

	"metadb/internal/observe/status"
	"metadb/internal/target/pgcode"
)

// Overview is the status of a running server at one moment.
type Overview struct {
	// Time is the time of the query.
	Time    time.Time        `json:"time"`
	Sources []SourceOverview `json:"sources"`
	// DatabaseBytes is the size of the database on disk, 0 if the database does not answer;
	// Trouble is then the reason.
	DatabaseBytes int64  `json:"database_bytes"`
	Trouble       string `json:"trouble,omitempty"`
}

// SourceOverview is one line of "list status" with values derived from it.
type SourceOverview struct {
	Name   string `json:"name"`
	Stream string `json:"stream"`
	Sync   string `json:"sync"`
	// Lag is the number of waiting events, nil if it is unknown; LastEvent is the source's time
	// of the last applied event.
	Lag       *int64     `json:"lag"`
	LastEvent *time.Time `json:"last_event_time"`
	Events    int64      `json:"events"`
	Rejected  int64      `json:"rejected"`
	// Skipped counts tables that are not copied because they have no primary key.
	Skipped int64  `json:"skipped"`
	Message string `json:"message,omitempty"`
	// Outdated contains the names of tables that need reading again.
	Outdated []string `json:"needs_reading_again,omitempty"`
	// Blockers are the holders of locks for which the source's tables wait.
	Blockers []status.Blocker `json:"blockers,omitempty"`
	// Progress is the progress of long work, such as endsync; nil without it.
	Progress *status.Progress `json:"progress,omitempty"`
	// PerSecond is the recent number of applied events per second, to a tenth.
	PerSecond float64 `json:"events_per_second"`
}

// IsHealthy reports whether the source needs no attention.
func (s SourceOverview) IsHealthy() bool {
	switch s.Stream {
	case "error", "gap", "silent":
		return false
	}
	return s.Rejected == 0 && s.Skipped == 0 && s.Sync != "snapshot_complete" && len(s.Outdated) == 0
}

// IsHealthy reports whether the server and all sources need no attention.
func (o *Overview) IsHealthy() bool {
	for _, s := range o.Sources {
		if !s.IsHealthy() {
			return false
		}
	}
	return o.Trouble == ""
}

// unlessOlder returns nil for an error with that SQLSTATE, which an older server returns, and any
// other error for display.
func unlessOlder(err error, code string) error {
	if pgcode.Is(err, code) {
		return nil
	}
	return asServerError(err)
}

// Overview queries the server. Rates are computed since an earlier overview, which may be nil.
func (c *Client) Overview(ctx context.Context, earlier *Overview) (*Overview, error) {
	o := &Overview{Time: time.Now()}
	var err error
	if o.Sources, err = c.listStatus(ctx); err != nil {
		return nil, asServerError(err)
	}
	for i := range o.Sources {
		o.Sources[i].PerSecond = eventRate(earlier, o, &o.Sources[i])
	}
	if err := c.loadBlockers(ctx, o); err != nil {
		return nil, err
	}
	// The server answers while its database is unreachable; Trouble is then the reason.
	err = c.conn.QueryRow(ctx, "select pg_catalog.pg_database_size(pg_catalog.current_database())").Scan(&o.DatabaseBytes)
	if err != nil {
		o.Trouble = fmt.Sprintf("the database does not answer: %v", asServerError(err))
		return o, nil
	}
	return o, c.loadOutdated(ctx, o)
}

// listStatus returns the result of "list status", without the values of other queries. Columns are
// found by name: an older server has fewer, a newer one more.
func (c *Client) listStatus(ctx context.Context) ([]SourceOverview, error) {
	rows, err := c.conn.Query(ctx, "list status")
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (SourceOverview, error) {
		var s SourceOverview
		var message, phase, table zeronull.Text
		var done, total zeronull.Int8
		byName := map[string]any{
			"name": &s.Name, "source_stream": &s.Stream, "source_sync": &s.Sync, "lag": &s.Lag, "last_event_time": &s.LastEvent, "events": &s.Events,
			"rejected": &s.Rejected, "message": &message, "skipped": &s.Skipped,
			"progress_phase": &phase, "progress_table": &table, "progress_done": &done, "progress_total": &total,
		}
		fields := row.FieldDescriptions()
		into := make([]any, len(fields)) // nil for a column that this version does not have
		for i := range fields {
			into[i] = byName[fields[i].Name]
		}
		err := row.Scan(into...)
		s.Message = string(message)
		if phase != "" {
			s.Progress = &status.Progress{Phase: status.Phase(phase), Table: string(table), Done: int64(done), Total: int64(total)}
		}
		return s, err
	})
}

// loadBlockers queries the holders of locks for which tables wait.
func (c *Client) loadBlockers(ctx context.Context, o *Overview) error {
	rows, err := c.conn.Query(ctx, "list blockers")
	if err != nil {
		return unlessOlder(err, pgcode.SyntaxError)
	}
	var source string
	var b status.Blocker
	var pid zeronull.Int8
	var prepared, user, state zeronull.Text
	var age zeronull.Float8
	_, err = pgx.ForEachRow(rows, []any{&source, &b.Table, &pid, &prepared, &user, &state, &b.Mode, &age}, func() error {
		b.PID, b.Prepared, b.User, b.State, b.Age = int32(pid), string(prepared), string(user), string(state), float64(age)
		for i := range o.Sources {
			if o.Sources[i].Name == source {
				o.Sources[i].Blockers = append(o.Sources[i].Blockers, b)
			}
		}
		return nil
	})
	return unlessOlder(err, pgcode.SyntaxError)
}

// loadOutdated queries the tables that need reading again.
func (c *Client) loadOutdated(ctx context.Context, o *Overview) error {
	rows, err := c.conn.Query(ctx, `
SELECT DISTINCT b.source_name, o.schema_name || '.' || o.table_name
  FROM metadb.outdated_table o
       JOIN metadb.target_table t ON t.schema_name = o.schema_name AND t.table_name = o.table_name
       JOIN metadb.base_table b ON b.schema_name = t.stored_schema AND b.table_name = t.current_table
 ORDER BY 2`)
	if err != nil {
		return unlessOlder(err, pgcode.UndefinedTable)
	}
	var source, table string
	_, err = pgx.ForEachRow(rows, []any{&source, &table}, func() error {
		for i := range o.Sources {
			if o.Sources[i].Name == source {
				o.Sources[i].Outdated = append(o.Sources[i].Outdated, table)
			}
		}
		return nil
	})
	return unlessOlder(err, pgcode.UndefinedTable)
}

// eventRate returns the number of events of a source that were applied per second since the
// earlier overview.
func eventRate(earlier, now *Overview, s *SourceOverview) float64 {
	if earlier == nil {
		return 0
	}
	for _, before := range earlier.Sources {
		if seconds := now.Time.Sub(earlier.Time).Seconds(); before.Name == s.Name && before.Events <= s.Events && seconds > 0 {
			return math.Round(10*float64(s.Events-before.Events)/seconds) / 10
		}
	}
	return 0
}
