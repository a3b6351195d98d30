package dbsession

import (
	"errors"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"metadb/internal/target/pgcode"
)

// TestLastWords checks that the reason of the failed process takes precedence over the notices of
// others.
func TestLastWords(t *testing.T) {
	panics := &pgconn.PgError{SeverityUnlocalized: "PANIC", Code: "53100", Message: "could not write to file: No space left on device"}
	crashed := &pgconn.PgError{SeverityUnlocalized: "WARNING", Code: pgcode.CrashShutdown, Message: "terminating connection because of crash of another server process"}
	refuses := &pgconn.PgError{SeverityUnlocalized: "ERROR", Code: "23505", Message: "duplicate key"}
	shut := &pgconn.PgError{SeverityUnlocalized: "FATAL", Code: pgcode.AdminShutdown, Message: "terminating connection due to administrator command"}
	closed := errors.New("conn closed")
	const why, another = "conn closed; its last words were: could not write to file: No space left on device",
		"conn closed; its last words were: terminating connection because of crash of another server process (PostgreSQL's log says why)"
	for name, test := range map[string]struct {
		said []*pgconn.PgError
		want string
	}{
		"nothing":          {nil, "conn closed"},
		"of one statement": {[]*pgconn.PgError{refuses}, "conn closed"},
		"shut down":        {[]*pgconn.PgError{shut}, "conn closed; its last words were: terminating connection due to administrator command"},
		"another process":  {[]*pgconn.PgError{crashed, refuses}, another},
		"its own":          {[]*pgconn.PgError{panics, crashed}, why},
		"its own, later":   {[]*pgconn.PgError{crashed, panics}, why},
	} {
		var w ShutdownReason
		for _, said := range test.said {
			w.recordMessage(said)
		}
		got := w.AddReason(closed)
		if got.Error() != test.want || !errors.Is(got, closed) || w.AddReason(got).Error() != test.want {
			t.Errorf("%s: got %v", name, got)
		}
		w.clearReason()
		if got := w.AddReason(closed); got.Error() != closed.Error() || w.AddReason(nil) != nil {
			t.Errorf("%s, forgotten: got %v", name, got)
		}
	}
}
