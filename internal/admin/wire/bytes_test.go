package wire_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"

	"metadb/internal/admin/wire"
	"metadb/internal/testkit/pace"
)

// rawClient is a session with access to the bytes of the protocol.
type rawClient struct {
	conn net.Conn
	r    *bufio.Reader
}

// pair opens two sessions of the superuser: one through the port, one directly at the database.
func (p *port) pair(t testing.TB) (through, direct *rawClient) {
	t.Helper()
	super := p.config.Super
	return takeOver(t, p.url(super.Name, super.Password)), takeOver(t, p.ConnString)
}

// withSuper gives the superuser a password at the port; the database itself trusts that role.
func withSuper(c *wire.Config) { c.Super.Password = "super" }

// takeOver connects and returns the bare connection.
func takeOver(t testing.TB, conninfo string) *rawClient {
	t.Helper()
	config, err := pgconn.ParseConfig(conninfo)
	if err != nil {
		t.Fatal(err)
	}
	config.RuntimeParams["application_name"] = "twin"
	conn, err := pgconn.ConnectConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.SyncConn(t.Context()); err != nil {
		t.Fatal(err)
	}
	raw, err := conn.Hijack()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = raw.Conn.Close() })
	return &rawClient{conn: raw.Conn, r: bufio.NewReader(raw.Conn)}
}

// exchange sends bytes and returns the answer, up to and including that many ReadyForQuery, or up
// to the end of the connection.
func (w *rawClient) exchange(t testing.TB, send []byte, ready int) []byte {
	t.Helper()
	if err := w.conn.SetDeadline(time.Now().Add(pace.Hang)); err != nil {
		t.Fatal(err)
	}
	if _, err := w.conn.Write(send); err != nil {
		t.Fatal(err)
	}
	var got bytes.Buffer
	for ready > 0 {
		var head [5]byte
		if _, err := io.ReadFull(w.r, head[:]); err != nil {
			return append(got.Bytes(), "EOF"...)
		}
		got.Write(head[:])
		if _, err := io.CopyN(&got, w.r, int64(binary.BigEndian.Uint32(head[1:]))-4); err != nil {
			t.Fatal(err)
		}
		if head[0] == 'Z' {
			ready--
		}
	}
	return got.Bytes()
}

// same sends the same messages to both sessions and compares the answers.
func same(t testing.TB, through, direct *rawClient, messages ...pgproto3.FrontendMessage) []byte {
	t.Helper()
	var send []byte
	ready, copying := 0, false
	for _, m := range messages {
		var err error
		if send, err = m.Encode(send); err != nil {
			t.Fatal(err)
		}
		switch m.(type) {
		case *pgproto3.Query, *pgproto3.FunctionCall:
			ready++
		case *pgproto3.CopyData:
			copying = true
		case *pgproto3.Sync:
			ready++
		}
	}
	if copying && ready > 1 {
		// The database ignores a Sync that precedes COPY data.
		ready = 1
	}
	want := direct.exchange(t, send, ready)
	if got := through.exchange(t, send, ready); !bytes.Equal(got, want) {
		t.Errorf("%s\n got %q\nwant %q", name(messages), got, want)
	}
	return want
}

// name returns the SQL in the messages.
func name(messages []pgproto3.FrontendMessage) string {
	var words []string
	for _, m := range messages {
		switch m := m.(type) {
		case *pgproto3.Query:
			words = append(words, m.String)
		case *pgproto3.Parse:
			words = append(words, m.Query)
		}
	}
	return strings.Join(words, " | ")
}

// TestSimpleByteForByte compares the raw answers to simple queries.
func TestSimpleByteForByte(t *testing.T) {
	t.Parallel()
	p := open(t, withSuper)
	through, direct := p.pair(t)
	for _, query := range []string{
		"", " ", ";", "-- nothing", "/* /* nested */ */;;", "select", "select 1", "select 1; select 2;", "select 'ä€😀', null, ''",
		"select repeat('x', 100000)", "select generate_series(1, 5000), 'x'", "selec 1", "select 1/0", "select 1; select 1/0; select 2",
		"select * from nowhere", "select 'x'::int", "select E'\\'list status'", "select 'list status; drop data source x'",
		"select $$list config;$$", "select /* list config; */ 1", "show server_version", "show all", "set application_name = 'other'",
		"set timezone = 'Europe/Berlin'", "select timestamptz '2026-11-23 12:00+00'", "set datestyle = 'german'", "select date '2026-11-23'",
		"reset all", "set intervalstyle = 'iso_8601'; select interval '1 day'", "reset intervalstyle", "set nonsense = 1",
		"set client_encoding = 'latin1'", "select 'x'", "set client_encoding = 'utf8'", "begin", "select 1", "commit", "commit", "begin; begin",
		"select 1/0", "select 1", "rollback", "start transaction read only", "create temp table x ()", "rollback", "begin; savepoint a; select 1/0",
		"rollback to a", "release a", "end", "select 1; begin; select 2; rollback; select 3", "begin; select 1/0; commit; select 2",
		"create temp table t (a int primary key, b text)", "create temp table if not exists t ()", "insert into t values (1, 'x'), (2, null)",
		"insert into t values (1, 'y')", "update t set b = 'z' returning *", "delete from t where a = 3", "copy t to stdout",
		"copy t to stdout (format binary)", "copy (select generate_series(1, 3000)) to stdout; select 1", "copy nowhere to stdout",
		"do $$ begin raise notice 'n % ä', 1 using detail = 'd', hint = 'h', errcode = '01234'; raise warning 'w'; end $$",
		"do $$ begin raise exception 'e' using detail = 'd', hint = 'h', errcode = 'XX123', table = 't', column = 'c'; end $$",
		"prepare p as select $1::int", "execute p(7)", "execute p('x')", "deallocate p", "declare c cursor for select 1",
		"begin; declare c cursor for select generate_series(1, 3); fetch 2 from c; fetch all from c; close c; commit",
		"explain (costs off) select * from t", "listen a; notify b, 'x'", "vacuum t", "select 1; vacuum t", "truncate t", "drop table t",
		"create table list (status int)", "select status from list", "table list", "drop table list", "values (1, 'a'), (2, 'b')",
		"discard all", "select pg_catalog.set_config('application_name', 'x', false)", "call nothing()", "select '\xff'", "select \"",
	} {
		same(t, through, direct, &pgproto3.Query{String: query})
	}
	for _, data := range []string{"1\tx\n2\t\\N\n", "1\n", "x\ty\n", "", "\\.\n"} {
		same(t, through, direct, &pgproto3.Query{String: "create temp table if not exists c (a int, b text)"})
		same(t, through, direct, &pgproto3.Query{String: "copy c from stdin"}, &pgproto3.CopyData{Data: []byte(data)}, &pgproto3.CopyDone{})
	}
	same(t, through, direct, &pgproto3.Query{String: "copy c from stdin"}, &pgproto3.CopyData{Data: []byte("9\t")}, &pgproto3.CopyFail{Message: "no more"})
	same(t, through, direct, &pgproto3.Query{String: "copy c from stdin"}, &pgproto3.CopyData{Data: bytes.Repeat([]byte("1\txyz\n"), 50000)}, &pgproto3.CopyDone{})
	same(t, through, direct, &pgproto3.Query{String: "select count(*), max(a) from c"})
	// This calls upper('text') through the obsolete function call message.
	same(t, through, direct, &pgproto3.FunctionCall{Function: 871, Arguments: [][]byte{[]byte("ä")}})
	same(t, through, direct, &pgproto3.FunctionCall{Function: 1})
}

// TestBigQuery sends a query that is longer than the limit for the search for commands.
func TestBigQuery(t *testing.T) {
	t.Parallel()
	p := open(t, withSuper)
	through, direct := p.pair(t)
	big := "select length('" + strings.Repeat("x", 2<<20) + "')"
	same(t, through, direct, &pgproto3.Query{String: big})
	same(t, through, direct, &pgproto3.Parse{Query: big}, &pgproto3.Bind{}, &pgproto3.Execute{}, &pgproto3.Sync{})
}

// TestStartupParameters compares the parameters reported at the start, with and without settings of
// the client, and after the connection to the database.
func TestStartupParameters(t *testing.T) {
	t.Parallel()
	p := open(t, withSuper)
	super := p.config.Super
	for _, options := range []string{"", " timezone=Asia/Tokyo", " options='-c datestyle=german'", " client_encoding=LATIN1", ""} {
		var reported [2]map[string]string
		for i, conninfo := range []string{p.url(super.Name, super.Password), keywords(t, p.ConnString)} {
			conn, err := pgconn.Connect(t.Context(), conninfo+options)
			if err != nil {
				t.Fatal(err)
			}
			reported[i] = make(map[string]string)
			for _, name := range []string{
				"application_name", "client_encoding", "DateStyle", "default_transaction_read_only", "in_hot_standby", "integer_datetimes", "IntervalStyle",
				"is_superuser", "server_encoding", "server_version", "session_authorization", "standard_conforming_strings", "TimeZone",
			} {
				reported[i][name] = conn.ParameterStatus(name)
			}
			if err := conn.Close(context.Background()); err != nil {
				t.Error(err)
			}
		}
		for name, want := range reported[1] {
			if got := reported[0][name]; got != want {
				t.Errorf("%s: %s is %q, want %q", options, name, got, want)
			}
		}
	}
}

// keywords returns a connection string in the form of keywords and values.
func keywords(t *testing.T, conninfo string) string {
	t.Helper()
	config, err := pgconn.ParseConfig(conninfo)
	if err != nil {
		t.Fatal(err)
	}
	return "host=" + config.Host + " port=" + strconv.Itoa(int(config.Port)) + " user=" + config.User + " password='" + config.Password + "' dbname=" + config.Database +
		" sslmode=disable"
}
