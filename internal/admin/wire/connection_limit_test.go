package wire_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"
	"github.com/jackc/pgx/v5/pgxpool"

	"metadb/internal/admin/wire"
	"metadb/internal/testkit/pace"
	"metadb/internal/testkit/pgtest"
)

const (
	// crowdSize is the number of concurrent clients in TestCrowd.
	crowdSize = 200
	// enough is the least number of TestCrowd's clients that must see that they are logged in;
	// about one of three checks.
	enough = crowdSize
)

// TestCrowd connects clients, which work and disconnect at any point of the protocol, for a minute.
// Afterwards there must be neither a connection to the database nor a session of theirs.
func TestCrowd(t *testing.T) {
	t.Parallel()
	lasting := time.Minute
	if testing.Short() {
		lasting = 3 * time.Second
	}
	p := openAt(t, alone(t), func(c *wire.Config) { c.MaxSessions = crowdSize - 3 })
	// The socket accepts three more than the limit: exactly the crowd.
	end := time.Now().Add(lasting)
	var crowd sync.WaitGroup
	var in atomic.Int64
	for i := range crowdSize {
		crowd.Go(func() {
			random := rand.New(rand.NewPCG(uint64(i), 1))
			for time.Now().Before(end) {
				if p.visit(t, random) {
					in.Add(1)
				}
			}
		})
	}
	crowd.Wait()
	// Messages that were sent by refused clients prove nothing.
	if n := in.Load(); n < enough {
		t.Errorf("%d visitors are known to have got in, want %d", n, enough)
	}
	p.await("select count(*) = 0 from pg_stat_activity where usename = 'mdbadmin'")
	p.takeAll(t)
	// An idle session has no connection to the database.
	p.await("select count(*) = 0 from pg_stat_activity where usename = 'mdbadmin'")
}

// takeAll opens as many sessions as the limit allows, once the server has noticed that the crowd
// has left. A session that is left over takes one of them.
func (p *port) takeAll(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), pace.Hang)
	defer cancel()
	conninfo := fmt.Sprintf("host=%s port=%d dbname=metadb user=x", p.dir, p.server.Addr().Port)
	for taken := 0; taken < crowdSize; {
		conn, err := pgconn.Connect(ctx, conninfo)
		var pg *pgconn.PgError
		if errors.As(err, &pg) && pg.Code == "53300" {
			continue
		}
		if err != nil {
			t.Fatalf("%d places taken: %v", taken, err)
		}
		t.Cleanup(func() { _ = conn.Close(context.Background()) })
		taken++
	}
}

// alone returns a cluster for one test, with more connections than the shared cluster allows.
func alone(t *testing.T) *pgtest.DB {
	t.Helper()
	pgtest.SkipShort(t)
	cluster, err := pgtest.NewCluster(t.Context(), pgtest.Options{Settings: []string{"max_connections = 400"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cluster.Close(); err != nil {
			t.Error(err)
		}
	})
	db := &pgtest.DB{Name: "postgres", ConnString: cluster.URL("postgres"), Cluster: cluster}
	if db.Pool, err = pgxpool.New(t.Context(), db.ConnString); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Pool.Close)
	return db
}

// visit connects, sends some messages, and disconnects without Terminate. It may be refused if the
// server has not noticed that an earlier client left. Some visits read the answer: in reports
// whether the login succeeded.
func (p *port) visit(t *testing.T, random *rand.Rand) (in bool) {
	conn, err := net.Dial("unix", p.socket())
	if errors.Is(err, syscall.EAGAIN) {
		// The server's accept queue is full for the moment.
		return false
	}
	if err != nil {
		t.Error(err)
		return false
	}
	defer func() { _ = conn.Close() }()
	frontend := pgproto3.NewFrontend(conn, conn)
	const behaviours = 12
	switch random.IntN(behaviours) {
	case 0:
		return false
	case 1:
		// This is half a startup packet.
		_, _ = conn.Write([]byte{0, 0, 0})
		return false
	}
	frontend.Send(&pgproto3.StartupMessage{ProtocolVersion: pgproto3.ProtocolVersion30, Parameters: map[string]string{"user": "x", "database": "metadb"}})
	for range 1 + random.IntN(5) {
		for _, message := range something(random) {
			frontend.Send(message)
		}
	}
	if frontend.Flush() != nil {
		return false
	}
	switch random.IntN(3) {
	case 0:
		// This is half a message.
		_, _ = conn.Write([]byte("Q\x00\x00\x01\x00sel"))
	case 1:
		return stays(conn, random)
	}
	return false
}

// stays reports whether a client is logged in, and reads on for a moment: there may be fewer bytes
// than it tries to read.
func stays(conn net.Conn, random *rand.Rand) (in bool) {
	const authentication = 'R'
	answer := make([]byte, 1)
	_ = conn.SetReadDeadline(time.Now().Add(pace.Hang))
	if _, err := io.ReadFull(conn, answer); err != nil || answer[0] != authentication {
		return false
	}
	_ = conn.SetReadDeadline(time.Now().Add(time.Duration(random.IntN(200)) * time.Millisecond))
	_, _ = io.CopyN(io.Discard, conn, random.Int64N(5000))
	return true
}

// something returns random messages.
func something(random *rand.Rand) messages {
	wishes := []messages{
		{&pgproto3.Query{String: "select generate_series(1, 1000)"}},
		{&pgproto3.Query{String: "select pg_sleep(0.05)"}},
		{&pgproto3.Query{String: "list status; select 1; list config"}},
		{&pgproto3.Query{String: "begin; select 1/0"}},
		{&pgproto3.Query{String: "list sttus"}},
		{&parse{Query: "list status"}, &bind{}, &execute{}},
		{&parse{Query: "select 1"}, &syncing{}, &flush{}},
		{&pgproto3.Query{String: "copy metadb.origin from stdin"}, &pgproto3.CopyData{Data: []byte("a")}},
		{&pgproto3.Query{String: "copy (select generate_series(1, 1000)) to stdout"}},
		{&pgproto3.CancelRequest{ProcessID: 1, SecretKey: []byte{1, 2, 3, 4}}},
	}
	return wishes[random.IntN(len(wishes))]
}
