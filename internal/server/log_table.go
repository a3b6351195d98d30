package server

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"

	"metadb/internal/instance"
	"metadb/internal/observe/logging"
	"metadb/internal/target/dbsession"
	"metadb/internal/target/metaschema"
)

// errNoTable is returned while the log's table may not exist yet.
var errNoTable = errors.New("the schema metadb is not ready")

// logTable stores the log in metadb.log, on a connection of its own: the log begins before the
// pool exists, and ends after it is closed. Only the log's goroutine calls writeLines.
type logTable struct {
	config *instance.Config
	// ready is set when the schema exists.
	ready atomic.Bool
	conn  *pgx.Conn
	// years contains the years that have a partition.
	years map[int]bool
}

var _ logging.Write = (*logTable)(nil).writeLines

// writeLines stores all lines, or returns an error.
func (t *logTable) writeLines(ctx context.Context, lines []logging.Line) error {
	if !t.ready.Load() {
		return errNoTable
	}
	if err := t.insertLines(ctx, lines); err != nil {
		t.closeConn(ctx)
		return err
	}
	return nil
}

func (t *logTable) insertLines(ctx context.Context, lines []logging.Line) error {
	if t.conn == nil {
		conn, err := dbsession.ConnectRole(ctx, t.config, t.config.SystemUser)
		if err != nil {
			return err
		}
		t.conn, t.years = conn, make(map[int]bool)
	}
	times := make([]time.Time, len(lines))
	severities := make([]string, len(lines))
	texts := make([]string, len(lines))
	for i, line := range lines {
		times[i], severities[i], texts[i] = line.Time, line.Severity, storableText(line.Text)
		if year := line.Time.UTC().Year(); !t.years[year] {
			if err := metaschema.EnsureLogYear(ctx, t.conn, year); err != nil {
				return err
			}
			t.years[year] = true
		}
	}
	const sql = `
INSERT INTO metadb.log (log_time, error_severity, message)
SELECT * FROM unnest($1::timestamptz[], $2::text[], $3::text[])`
	_, err := t.conn.Exec(ctx, sql, times, severities, texts)
	return err
}

// closeConn closes the connection.
func (t *logTable) closeConn(ctx context.Context) {
	if t.conn != nil {
		_ = t.conn.Close(context.WithoutCancel(ctx))
		t.conn = nil
	}
}

// storableText replaces invalid UTF-8 in a text.
func storableText(text string) string { return strings.ToValidUTF8(text, "\uFFFD") }
