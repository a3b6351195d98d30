package wire_test

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// TestPlainMessages checks that errors and notices, of the database and of commands, have no
// control characters, for any text that an analyst's function raises and any name of an object.
// Other characters stay as they are.
func TestPlainMessages(t *testing.T) {
	t.Parallel()
	p := open(t, nil)
	config, err := pgx.ParseConfig(p.url(systemUser, systemPassword))
	if err != nil {
		t.Fatal(err)
	}
	var notices []string
	config.OnNotice = func(_ *pgconn.PgConn, n *pgconn.Notice) {
		notices = append(notices, n.Message+"|"+n.Detail+"|"+n.Hint)
	}
	conn, err := pgx.ConnectConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(t.Context()) }()
	// run returns the messages in answer to a statement.
	run := func(sql string) string {
		t.Helper()
		notices = nil
		_, err := conn.Exec(t.Context(), sql, pgx.QueryExecModeSimpleProtocol)
		if refused, ok := err.(*pgconn.PgError); ok { //nolint:errorlint // it is not wrapped
			notices = append(notices, refused.Message+"|"+refused.Detail+"|"+refused.Hint)
		} else if err != nil {
			t.Fatalf("%q: %v", sql, err)
		}
		return strings.Join(notices, "; ")
	}
	const long = 30_000 // several pieces, each of which ends in another byte of a character
	for _, test := range []struct{ sql, want string }{
		{
			`do $$ begin raise notice E'a\x1b]0;x\x07b\nc\td\u009be\u202ef\u2028ä€😀' using detail = E'\x1bd', hint = E'h\x7f\r'; end $$`,
			"a ]0;x b\nc\td  e   f   ä€😀| d|h  ",
		},
		{`do $$ begin raise exception E'\x1b[31mä' using detail = E'\u2066d', hint = E'\x08'; end $$`, " [31mä|   d| "},
		{`do $$ begin raise notice '%', repeat('ä' || chr(155) || chr(8238) || chr(128512) || chr(27), 30000); end $$`, strings.Repeat("ä     😀 ", long) + "||"},
		{"select 1 as \"\x1b[2J\" from nowhere_\x1b", "syntax error at or near \" \"||"},
		{"list \x1b[31m", "syntax error at or near \" \"||expected"},
		{"drop data source \"\x1b[2Jx\u202e\"", "data source \" [2Jx \" does not exist||"},
		{"create data origin \"\x1b[2J\"; create data origin \"\x1b[2J\"", "data origin \" [2J\" already exists||"},
	} {
		got := run(test.sql)
		if !strings.HasPrefix(got, test.want) || strings.ContainsAny(got, "\x1b\x07\u009b\u202e") {
			t.Errorf("%q: got %.200q, want %.200q", test.sql, got, test.want)
		}
	}
	// In another encoding only bytes below 0x20 are replaced.
	run("set client_encoding to latin1")
	if got := run(`do $$ begin raise notice '%', 'x' || chr(228) || chr(27) || chr(155); end $$`); got != "x\xe4 \x9b||" {
		t.Errorf("got %q", got)
	}
}
