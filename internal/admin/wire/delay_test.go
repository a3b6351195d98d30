package wire_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"metadb/internal/admin/wire"
	"metadb/internal/testkit/pace"
)

// TestDelayGrows measures the time of answers to consecutive failed logins.
func TestDelayGrows(t *testing.T) {
	t.Parallel()
	const delay = 50 * time.Millisecond
	p := open(t, func(c *wire.Config) { c.FailureDelay = delay })
	for i, login := range []string{p.url(systemUser, "wrong"), p.url("nobody", "x"), p.url(systemUser, "wrong again")} {
		began := time.Now()
		_, err := pgconn.Connect(t.Context(), login)
		var refused *pgconn.PgError
		if !errors.As(err, &refused) {
			t.Fatal(err)
		}
		if took, least := time.Since(began), time.Duration(i+1)*delay; took < least {
			t.Errorf("failure %d was answered after %v, want %v", i+1, took, least)
		}
	}
}

// TestDelayKeepsNobodyElse fails logins with a delay of an hour: meanwhile clients with the right
// password log in, further failures are answered at once, and the server can stop.
func TestDelayKeepsNobodyElse(t *testing.T) {
	t.Parallel()
	p := open(t, func(c *wire.Config) { c.FailureDelay = time.Hour })
	ctx, leave := context.WithCancel(t.Context())
	answer := make(chan error, 1)
	go func() {
		conn, err := pgconn.Connect(ctx, p.url(systemUser, "wrong"))
		if err == nil {
			err = conn.Close(ctx)
		}
		answer <- err
	}()
	p.awaitLog(1, "password authentication failed")
	for range 3 {
		_, err := pgconn.Connect(t.Context(), p.url(systemUser, "wrong"))
		refused, ok := errors.AsType[*pgconn.PgError](err)
		if !ok || refused.Code != "28P01" || !strings.HasPrefix(refused.Message, "too many failures") {
			t.Errorf("a failure beside one that waits: %v", err)
		}
	}
	if err := p.connect().Ping(t.Context()); err != nil {
		t.Error(err)
	}
	select {
	case err := <-answer:
		t.Errorf("the first failed login was answered at once: %v", err)
	default:
	}
	leave()
	if err := <-answer; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// awaitLog waits until the log contains a text that many times.
func (p *port) awaitLog(times int, text string) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), pace.Hang)
	defer cancel()
	look := time.NewTicker(5 * time.Millisecond)
	defer look.Stop()
	for strings.Count(p.log.String(), text) < times {
		select {
		case <-ctx.Done():
			p.t.Fatalf("the log does not have %q %d times: %s", text, times, p.log.String())
		case <-look.C:
		}
	}
}
