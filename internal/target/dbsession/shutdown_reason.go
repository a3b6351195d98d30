package dbsession

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"metadb/internal/instance"
	"metadb/internal/target/pgcode"
)

// ShutdownReason is the reason that PostgreSQL gave when it shut down. It is recorded, because a
// stopped server can't be queried, and the administrator needs it: for example, PostgreSQL can't
// start again if the disk of its write-ahead log is full. It is kept until the next connection
// succeeds.
type ShutdownReason struct {
	mu   sync.Mutex
	text string
	// own is set if the reason came from the process of the connection, and not as a notice about
	// another one.
	own bool
}

// RecordFrom records the reasons in the notices and errors of a connection.
func (w *ShutdownReason) RecordFrom(config *pgx.ConnConfig) {
	config.OnNotice = func(_ *pgconn.PgConn, notice *pgconn.Notice) { w.recordMessage((*pgconn.PgError)(notice)) }
	others := config.OnPgError
	config.OnPgError = func(conn *pgconn.PgConn, said *pgconn.PgError) bool {
		w.recordMessage(said)
		return others == nil || others(conn, said)
	}
}

func (w *ShutdownReason) recordMessage(said *pgconn.PgError) {
	own := said.SeverityUnlocalized == "PANIC"
	text := said.Message
	switch said.Code {
	case pgcode.AdminShutdown:
	case pgcode.CrashShutdown:
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

// AddReason adds the reason to the error of a lost connection.
func (w *ShutdownReason) AddReason(err error) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err == nil || w.text == "" || strings.Contains(err.Error(), w.text) {
		return err
	}
	return fmt.Errorf("%w; its last words were: %s", err, w.text)
}

// clearReason removes the reason after a successful connection.
func (w *ShutdownReason) clearReason() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.text, w.own = "", false
}

// ConnectSystemUser connects as the system user and records reasons from the connection.
func (w *ShutdownReason) ConnectSystemUser(ctx context.Context, config *instance.Config) (*pgx.Conn, error) {
	conn, err := ConnectRoleWith(ctx, config, config.SystemUser, w.RecordFrom)
	if err != nil {
		return nil, w.AddReason(err)
	}
	w.clearReason()
	return conn, nil
}
