package wire_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
)

// TestConstantsAreReadAsTheSessionDoes checks that text inside a constant is not executed, whatever
// the session's settings.
func TestConstantsAreReadAsTheSessionDoes(t *testing.T) {
	t.Parallel()
	p := open(t, withSuper)
	for _, test := range []struct{ set, query, want string }{
		{"", "select E'a'\n'\\'; create data origin x; --'", "a'; create data origin x; --"},
		{"set standard_conforming_strings = off", `select '\'; create data origin x; --'`, "'; create data origin x; --"},
		{"set standard_conforming_strings = on", `select '\'; create data origin x; --'`, "CREATE DATA ORIGIN"},
		{"set client_encoding = 'SJIS'", "select 'a'; create data origin \xc3\xbc", "22021"},
		{"set client_encoding = 'SJIS'", "select E'\x95\\'; create data origin y; --'", "CREATE DATA ORIGIN"},
	} {
		conn := p.connect().PgConn()
		if test.set != "" {
			if _, err := conn.Exec(t.Context(), test.set).ReadAll(); err != nil {
				t.Fatal(err)
			}
		}
		results, err := conn.Exec(t.Context(), test.query).ReadAll()
		got := ""
		if refused, ok := errors.AsType[*pgconn.PgError](err); ok {
			got = refused.Code
		}
		for _, r := range results {
			got += r.CommandTag.String()
			for _, row := range r.Rows {
				got += string(row[0])
			}
		}
		if !strings.Contains(got, test.want) {
			t.Errorf("%s; %q: got %s, want %s", test.set, test.query, got, test.want)
		}
	}
}
