package lang_test

import (
	"strings"
	"testing"

	"metadb/internal/admin/lang"
)

// TestConstantsEndWherePostgreSQLEndsThem puts commands into constants, which are not commands by
// the rules of the session.
func TestConstantsEndWherePostgreSQLEndsThem(t *testing.T) {
	t.Parallel()
	off, sjis := lang.Dialect{Backslashes: true}, lang.Dialect{Encoding: "SJIS"}
	for _, test := range []struct {
		dialect lang.Dialect
		query   string
		// want lists the statements: c for a command, s for SQL.
		want string
	}{
		{lang.Dialect{}, `select E'a\'; drop user u; --'`, "s"},
		{lang.Dialect{}, "select E'a'\n'\\'; drop user u; --'", "s"},
		{lang.Dialect{}, "select e'a' -- b\n -- c'\n\t'\\'; drop user u; --'", "s"},
		{lang.Dialect{}, "select E'a' '\\'; drop user u; --'", "s c"},
		{lang.Dialect{}, "select E'a' /* b\n */ '\\'; drop user u", "s c"},
		{lang.Dialect{}, "select 'a'\n'\\'; drop user u; --'", "s c"},
		{lang.Dialect{}, "select U&'a'\n'\\'; drop user u; --'", "s c"},
		{lang.Dialect{}, "select $a$'$a$\n'; drop user u'", "s"},
		{lang.Dialect{}, "select \"a\"\n'; drop user u'", "s"},
		{lang.Dialect{}, "select E'a'''\r'\\''; drop user u'", "s"},
		{lang.Dialect{}, `select '\'; drop user u; --'`, "s c"},
		{off, `select '\'; drop user u; --'`, "s"},
		{off, `select n'\'; drop user u; --'`, "s"},
		{off, `select b'\'; drop user u; --'`, "s c"},
		{off, `select "\"; drop user u; --"`, "s c"},
		{off, "list status; drop user u", "c c"},
		// In Shift-JIS the second byte of a letter may be a backslash, and katakana have one
		// byte only.
		{sjis, "select E'\x95\\'; drop user u; --'", "s c"},
		{sjis, "select E'\xb1\\'; drop user u; --'", "s"},
		{lang.Dialect{Encoding: "LATIN1"}, "select E'\xfc\\'; drop user u; --'", "s"},
		{lang.Dialect{Encoding: "GBK"}, "select E'\xfc\\'; drop user u; --'", "s c"},
	} {
		var kinds []string
		for _, s := range grammar().Parse(test.dialect, test.query) {
			kind := "c"
			if s.IsSQL() {
				kind = "s"
			}
			kinds = append(kinds, kind)
		}
		if got := strings.Join(kinds, " "); got != test.want && got != test.want+" s" {
			t.Errorf("%+v %q: %s, want %s", test.dialect, test.query, got, test.want)
		}
	}
}

// TestCommandsAreUTF8 refuses commands in other encodings: names are stored, and so their encoding
// must be known.
func TestCommandsAreUTF8(t *testing.T) {
	t.Parallel()
	for encoding, want := range map[string]string{"": "", "UTF8": "", "LATIN1": "22021", "SJIS": "22021"} {
		if got := grammar().Parse(lang.Dialect{Encoding: encoding}, "create data origin u")[0]; got.Err != nil {
			t.Errorf("%s, ASCII: %v", encoding, got.Err)
		}
		got := grammar().Parse(lang.Dialect{Encoding: encoding}, "create data origin \u00c3\u00bc")[0]
		if code := codeOf(got.Err); code != want {
			t.Errorf("%s: %s, want %s", encoding, code, want)
		}
	}
}

func codeOf(err *lang.Error) string {
	if err == nil {
		return ""
	}
	return err.Code
}

// TestContinuedConstants refuses continued constants in commands, the meaning of which must be
// obvious.
func TestContinuedConstants(t *testing.T) {
	t.Parallel()
	if got := one(t, "create user u with password 'a'\n'b'"); got.Err == nil {
		t.Errorf("got %+v", got)
	}
}
