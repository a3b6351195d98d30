package server

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"metadb/internal/instance"
)

// shutdownReason is the reason that PostgreSQL gave as it went down. To a server that is down nothing
// more can be asked, and why it went is what its administrator wants to know: a
// write-ahead log without room on its disk keeps it from coming back. They are kept
// until a connection is made again.
type shutdownReason struct {
	mu   sync.Mutex
	text string
	// own says that the connection's own process said why, and not that another one
	// had gone down.
	own bool
}

// What PostgreSQL says to all when it is shut down, and to all others when one of its
// processes has gone down, as a warning.
// https://www.postgresql.org/docs/current/errcodes-appendix.html
const (
	codeShutdown = "57P01"
	codeCrashed  = "57P02"
)

// recordFrom records the reasons in the notices and errors of a connection.
func (w *shutdownReason) recordFrom(config *pgx.ConnConfig) {
	config.OnNotice = func(_ *pgconn.PgConn, notice *pgconn.Notice) { w.recordMessage((*pgconn.PgError)(notice)) }
	others := config.OnPgError
	config.OnPgError = func(conn *pgconn.PgConn, said *pgconn.PgError) bool {
		w.recordMessage(said)
		return others == nil || others(conn, said)
	}
}

func (w *shutdownReason) recordMessage(said *pgconn.PgError) {
	own := said.SeverityUnlocalized == "PANIC"
	text := said.Message
	switch said.Code {
	case codeShutdown:
	case codeCrashed:
		text += " (PostgreSQL's log says why)"
	default:
		if !own {
			return
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if own || !w.own {
		w.text, w.own = text, own
	}
}

// addReason adds them to an error of a connection that is no good.
func (w *shutdownReason) addReason(err error) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err == nil || w.text == "" || strings.Contains(err.Error(), w.text) {
		return err
	}
	return fmt.Errorf("%w; its last words were: %s", err, w.text)
}

// clearReason is for when PostgreSQL is up.
func (w *shutdownReason) clearReason() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.text, w.own = "", false
}

// connectSystemUser connects as the system user, and listens.
func (w *shutdownReason) connectSystemUser(ctx context.Context, config *instance.Config) (*pgx.Conn, error) {
	conn, err := dialRole(ctx, config, config.SystemUser, w.recordFrom)
	if err != nil {
		return nil, w.addReason(err)
	}
	w.clearReason()
	return conn, nil
}
