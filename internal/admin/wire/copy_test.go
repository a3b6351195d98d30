package wire_test

import (
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgproto3"

	"metadb/internal/testkit/pace"
)

// TestCopyInPipeline sends COPY data as libpq does after PQsendQueryParams: with a Sync before
// them, which the database ignores, and one after them. Later messages must not wait for an answer
// to the first Sync.
func TestCopyInPipeline(t *testing.T) {
	t.Parallel()
	p := open(t, nil)
	tests := []struct {
		name string
		send []pgproto3.FrontendMessage
		want string
	}{
		{
			"data after a Sync",
			[]pgproto3.FrontendMessage{
				&pgproto3.Parse{Query: "copy metadb.origin from stdin"}, &pgproto3.Bind{}, &pgproto3.Describe{ObjectType: 'P'}, &pgproto3.Execute{}, &pgproto3.Sync{},
				&pgproto3.CopyData{Data: []byte("a\n")}, &pgproto3.CopyDone{}, &pgproto3.Sync{},
				&pgproto3.Query{String: "list data_origins"},
			},
			"12nGCZTDCZ",
		},
		{
			"bad data",
			[]pgproto3.FrontendMessage{
				&pgproto3.Parse{Query: "copy metadb.origin from stdin"}, &pgproto3.Bind{}, &pgproto3.Execute{}, &pgproto3.Sync{},
				&pgproto3.CopyData{Data: []byte("a\ta\ta\n")}, &pgproto3.CopyDone{}, &pgproto3.Sync{},
				&pgproto3.Query{String: "list data_origins"},
			},
			"12GEZTDCZ",
		},
		{
			"data given up",
			[]pgproto3.FrontendMessage{
				&pgproto3.Query{String: "copy metadb.origin from stdin"},
				&pgproto3.CopyData{Data: []byte("b\n")}, &pgproto3.CopyFail{}, &pgproto3.Query{String: "list data_origins"},
			},
			"GEZTDCZ",
		},
		{
			// PostgreSQL ends the connection: the messages are out of step.
			"a query where data should be",
			[]pgproto3.FrontendMessage{&pgproto3.Query{String: "copy metadb.origin from stdin"}, &pgproto3.Query{String: "select 1"}},
			"GEE unexpected EOF",
		},
		{
			"a command where data should be",
			[]pgproto3.FrontendMessage{&pgproto3.Query{String: "copy metadb.origin from stdin"}, &pgproto3.Query{String: "list data_origins"}},
			"GEZTDCZ",
		},
		{
			"data that nobody asked for",
			[]pgproto3.FrontendMessage{
				&pgproto3.Query{String: "select 1"}, &pgproto3.CopyData{Data: []byte("b\n")}, &pgproto3.CopyDone{},
				&pgproto3.Query{String: "list data_origins"},
			},
			"TDCZTDCZ",
		},
	}
	for _, test := range tests {
		conn, frontend := p.raw(t)
		if err := conn.SetReadDeadline(time.Now().Add(pace.Hang)); err != nil {
			t.Fatal(err)
		}
		for _, message := range test.send {
			frontend.Send(message)
		}
		if err := frontend.Flush(); err != nil {
			t.Fatal(err)
		}
		if got := kinds(t, frontend, len(test.want)); got != test.want {
			t.Errorf("%s: %s, want %s", test.name, got, test.want)
		}
	}
}

// kinds reads n messages and returns their type bytes.
func kinds(t *testing.T, frontend *pgproto3.Frontend, n int) string {
	t.Helper()
	var got []byte
	for len(got) < n {
		message, err := frontend.Receive()
		if err != nil {
			return string(got) + " " + err.Error()
		}
		buf, err := message.Encode(nil)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, buf[0])
	}
	return string(got)
}

// TestCopy sends and receives COPY data through the port.
func TestCopy(t *testing.T) {
	t.Parallel()
	p := open(t, nil)
	conn := p.connect()
	if _, err := conn.Exec(t.Context(), "create table t (a int, b text)"); err != nil {
		t.Fatal(err)
	}
	rows := make([][]any, 10_000)
	for i := range rows {
		rows[i] = []any{i, strings.Repeat("x", i%100)}
	}
	n, err := conn.CopyFrom(t.Context(), pgx.Identifier{"t"}, []string{"a", "b"}, pgx.CopyFromRows(rows))
	if err != nil || n != int64(len(rows)) {
		t.Fatalf("%d rows, %v", n, err)
	}
	var out strings.Builder
	tag, err := conn.PgConn().CopyTo(t.Context(), &out, "copy t to stdout")
	if err != nil || tag.RowsAffected() != n || strings.Count(out.String(), "\n") != len(rows) {
		t.Fatalf("%s, %v", tag, err)
	}
}
