package wire_test

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"

	"metadb/internal/admin/wire"
	"metadb/internal/testkit/pace"
)

// guessingTime is the duration of TestGuessing's guesses; `make soak-guessing` sets a longer one.
var guessingTime = flag.Duration("guessing", 5*time.Second, "how long TestGuessing guesses")

const (
	// guessInterval results in 10,000 guesses a minute.
	guessInterval = time.Minute / 10_000
	// silentSockets is a number of silent connections that once blocked the port.
	silentSockets = 600
	// minLogins is the least number of logins to try, also on a slow machine.
	minLogins = 50
)

// TestGuessing guesses passwords, 10,000 a minute, and holds silent connections open: meanwhile at
// least 99 of 100 logins with the right password succeed, and the log has a few lines and the
// count.
func TestGuessing(t *testing.T) {
	p := open(t, func(c *wire.Config) { c.FailureDelay, c.DigestInterval = time.Second, time.Hour })
	for range silentSockets {
		p.dial()
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	end := time.Now().Add(*guessingTime)
	var guessing sync.WaitGroup
	guesses := 0
	guessing.Go(func() {
		tick := time.NewTicker(guessInterval)
		defer tick.Stop()
		for ctx.Err() == nil {
			select {
			case <-tick.C:
				guesses++
				guessing.Go(func() { p.guess(ctx, t) })
			case <-ctx.Done():
			}
		}
	})
	logins, refused := 0, 0
	for time.Now().Before(end) || logins < minLogins {
		conn, err := pgconn.Connect(t.Context(), p.url(systemUser, systemPassword))
		if logins++; err != nil {
			refused++
			t.Logf("login %d: %v", logins, err)
			continue
		}
		if err := conn.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}
	stop()
	guessing.Wait()
	t.Logf("%d guesses, %d logins, %d of them refused; refused: %v", guesses, logins, refused, p.server.RefusalCounts())
	if refused*100 > logins {
		t.Errorf("of %d right logins %d were refused", logins, refused)
	}
	counts := p.server.RefusalCounts()
	if got, least := counts["password"], int64(guesses*8/10); got < least {
		t.Errorf("%d wrong passwords were counted, want %d", got, least)
	}
	if counts["pending"] < silentSockets/2 {
		t.Errorf("of %d silent sockets %d were dropped", silentSockets, counts["pending"])
	}
	const mostLines = 10
	if n := strings.Count(p.log.String(), "password authentication failed"); n > mostLines {
		t.Errorf("the log has %d lines about guesses", n)
	}
}

// guess tries a password without computing its hash, as an attacker that saves the time.
func (p *port) guess(ctx context.Context, t *testing.T) {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", p.server.Addr().String())
	if err != nil {
		if ctx.Err() == nil {
			t.Error(err)
		}
		return
	}
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	defer func() { _ = conn.Close() }()
	frontend := pgproto3.NewFrontend(conn, conn)
	frontend.Send(&pgproto3.StartupMessage{ProtocolVersion: pgproto3.ProtocolVersion30, Parameters: map[string]string{"user": systemUser, "database": "metadb"}})
	if frontend.Flush() != nil {
		return
	}
	if _, err := frontend.Receive(); err != nil {
		return
	}
	frontend.Send(&pgproto3.SASLInitialResponse{AuthMechanism: "SCRAM-SHA-256", Data: []byte("n,,n=,r=nonce")})
	if frontend.Flush() != nil {
		return
	}
	message, err := frontend.Receive()
	challenge, ok := message.(*pgproto3.AuthenticationSASLContinue)
	if err != nil || !ok {
		return
	}
	nonce, _, _ := strings.Cut(strings.TrimPrefix(string(challenge.Data), "r="), ",")
	proof := make([]byte, 32)
	_, _ = rand.Read(proof)
	frontend.Send(&pgproto3.SASLResponse{Data: []byte(fmt.Sprintf("c=biws,r=%s,p=%s", nonce, base64.StdEncoding.EncodeToString(proof)))})
	if frontend.Flush() != nil {
		return
	}
	if message, err = frontend.Receive(); err != nil {
		return
	}
	if _, ok := message.(*pgproto3.ErrorResponse); !ok {
		t.Errorf("a guess was answered with %T", message)
	}
}

// TestSilentClients checks that a silent client is dropped earlier than a client with a slow login,
// and gets no message.
func TestSilentClients(t *testing.T) {
	t.Parallel()
	p := open(t, func(c *wire.Config) { c.GreetingTimeout, c.StartupTimeout = 2*time.Second, time.Hour })
	slow := p.dial()
	frontend := pgproto3.NewFrontend(slow, slow)
	frontend.Send(&pgproto3.StartupMessage{ProtocolVersion: pgproto3.ProtocolVersion30, Parameters: map[string]string{"user": systemUser}})
	if err := frontend.Flush(); err != nil {
		t.Fatal(err)
	}
	if _, err := frontend.Receive(); err != nil {
		t.Fatal(err)
	}
	drain(t, p.dial())
	if err := slow.SetReadDeadline(time.Now().Add(100 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	_, err := slow.Read(make([]byte, 1))
	if timeout, ok := errors.AsType[net.Error](err); !ok || !timeout.Timeout() {
		t.Errorf("who had said who it is was dropped: %v", err)
	}
}

// TestOldestIsDropped checks that, once an address has reached its limit, a new client replaces the
// oldest one, which gets an error.
func TestOldestIsDropped(t *testing.T) {
	t.Parallel()
	p := open(t, func(c *wire.Config) { c.Pending.All, c.Pending.Address, c.Pending.Local = 3, 3, 2 })
	first := p.dial()
	p.dial()
	if err := p.connect().Ping(t.Context()); err != nil {
		t.Error(err)
	}
	if err := first.SetReadDeadline(time.Now().Add(pace.Hang)); err != nil {
		t.Fatal(err)
	}
	said, err := io.ReadAll(first)
	if err != nil || !strings.Contains(string(said), "sorry, too many clients already") {
		t.Errorf("%q, %v", said, err)
	}
	p.awaitLog(1, "dropped before it logged in: too many are waiting")
	if got := p.server.RefusalCounts()["pending"]; got != 1 {
		t.Errorf("%d clients were dropped", got)
	}
}
