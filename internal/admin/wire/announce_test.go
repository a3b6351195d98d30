package wire_test

import (
	"encoding/binary"
	"net"
	"runtime"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgproto3"
)

// TestAnnounced announces messages of every kind and of up to 2 GB that never come: the server
// allocates no memory for bytes that it has not received. The test does not run in parallel, since
// it measures the allocations of this process.
func TestAnnounced(t *testing.T) {
	p := open(t, nil)
	const (
		limit = 1<<30 - 1
		// bearable bounds the allocations of both ends of a client, in bytes: far less than the
		// shortest announcement.
		bearable = 1 << 20
	)
	for _, length := range []uint32{2<<30 - 1, limit, 16 << 20, 4 << 20} {
		for _, kind := range "QPBDECFdcfSHpX?" {
			before := allocated()
			conn, frontend := p.raw(t)
			// A command of this name exists: the server inspects the messages about it.
			frontend.Send(&parse{Name: "S", Query: "list status"})
			frontend.Send(&syncing{})
			if err := frontend.Flush(); err != nil {
				t.Fatal(err)
			}
			awaitReady(t, frontend)
			message := binary.BigEndian.AppendUint32([]byte{byte(kind)}, length)
			if _, err := conn.Write(append(message, strings.Repeat("S\x00", 2000)...)); err != nil {
				t.Fatal(err)
			}
			if err := conn.(*net.UnixConn).CloseWrite(); err != nil {
				t.Fatal(err)
			}
			drain(t, conn)
			if grown := allocated() - before; grown > bearable {
				t.Errorf("%d bytes of %q cost %d kB", length, kind, grown>>10)
			}
		}
	}
	if err := p.connect().Ping(t.Context()); err != nil {
		t.Error(err)
	}
}

// allocated returns the bytes that this process has allocated so far.
func allocated() uint64 {
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.TotalAlloc
}

// awaitReady reads up to ReadyForQuery, and returns the SQLSTATE of an error on
// the way.
func awaitReady(t *testing.T, frontend *pgproto3.Frontend) (code string) {
	t.Helper()
	for {
		message, err := frontend.Receive()
		if err != nil {
			t.Fatal(err)
		}
		switch message := message.(type) {
		case *failedWith:
			code = message.Code
		case *ready:
			return code
		}
	}
}

// TestLongMessageToACommand sends complete messages about a command: one above the limit of their
// length, and one below it.
func TestLongMessageToACommand(t *testing.T) {
	t.Parallel()
	p := open(t, nil)
	conn, frontend := p.raw(t)
	defer func() { _ = conn.Close() }()
	for length, want := range map[int]string{10 << 20: "54000", 1000: "08P01"} {
		frontend.Send(&parse{Query: "list status"})
		frontend.Send(&bind{Parameters: [][]byte{make([]byte, length)}})
		frontend.Send(&execute{})
		frontend.Send(&syncing{})
		if err := frontend.Flush(); err != nil {
			t.Fatal(err)
		}
		if code := awaitReady(t, frontend); code != want {
			t.Errorf("%d bytes: %s, want %s", length, code, want)
		}
	}
}
