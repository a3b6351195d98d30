package wire_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"

	"metadb/internal/admin/wire"
	"metadb/internal/testkit/pace"
)

// TestShutdownWhenStuck stops the server while a session is blocked: its client does not read a
// long result, or the busy database does not read a long pipeline. The database's work is canceled.
func TestShutdownWhenStuck(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		// sleeps is the statement that the database has to be executing, event its wait event.
		sleeps, event string
		send          messages
	}{
		{
			"the client does not read", "select repeat('stuck', 1000) from generate_series(1, 1000000)", "ClientWrite",
			messages{&pgproto3.Query{String: "select repeat('stuck', 1000) from generate_series(1, 1000000)"}},
		},
		{
			"the database does not read", "select pg_sleep(600) as stuck", "PgSleep",
			messages{
				&parse{Query: "select pg_sleep(600) as stuck"}, &bind{}, &execute{}, &flush{},
				&parse{Query: "select $1::text"}, &bind{Parameters: [][]byte{make([]byte, 64<<20)}}, &execute{}, &syncing{},
			},
		},
	}
	for _, test := range tests {
		for _, encrypted := range []bool{false, true} {
			p := open(t, func(c *wire.Config) {
				if encrypted {
					c.TLS = certificate(t)
				}
				c.SocketDir = ""
			})
			server, err := wire.Listen(p.config)
			if err != nil {
				t.Fatal(err)
			}
			p.server = server
			ctx, stop := context.WithCancel(t.Context())
			served := make(chan error, 1)
			go func() { served <- server.Serve(ctx) }()
			mode := "disable"
			if encrypted {
				mode = "require"
			}
			w := takeOver(t, strings.Replace(p.url(systemUser, systemPassword), "sslmode=disable", "sslmode="+mode, 1))
			sent := encoded(t, test.send...) // takes its time, for it is large
			// Bytes that the server has not read by then are stuck.
			if err := w.conn.SetWriteDeadline(time.Now().Add(pace.Bound(2 * time.Second))); err != nil {
				t.Fatal(err)
			}
			if n, err := w.conn.Write(sent); n == 0 {
				t.Fatal(err)
			}
			p.await("select count(*) = 1 from pg_stat_activity where datname = current_database() and query = '" +
				strings.ReplaceAll(test.sleeps, "'", "''") + "' and wait_event = '" + test.event + "'")
			stop()
			select {
			case err := <-served:
				if err != nil {
					t.Error(err)
				}
			case <-time.After(pace.Hang):
				t.Errorf("%s, encrypted: %v: the server does not stop", test.name, encrypted)
			}
			_ = w.conn.Close()
			// The database does not work on for a client that has left.
			p.await("select count(*) = 0 from pg_stat_activity where usename = 'mdbadmin' and datname = current_database()")
		}
	}
}
