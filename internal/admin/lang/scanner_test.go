package lang_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	pganalyze "github.com/pganalyze/pg_query_go/v6"
	pgquery "github.com/wasilibs/go-pgquery"
)

// FuzzBorders compares with PostgreSQL's own scanner: each border of a statement is a semicolon
// outside of parentheses and of BEGIN ATOMIC … END there too, and no command has another one
// inside. A query string that the scanner refuses is refused by PostgreSQL as a whole. The scanner
// has standard_conforming_strings on, and joins continued constants;
// TestConstantsEndWherePostgreSQLEndsThem covers the differences between sessions.
func FuzzBorders(f *testing.F) {
	if testing.Short() {
		f.Skip("the scanner takes ten seconds to be compiled")
	}
	// That is longer than an input may take.
	if _, err := pgquery.Scan("select 1"); err != nil {
		f.Fatal(err)
	}
	for _, query := range []string{
		"list status; select 1;", "select E'a'\n'\\'; drop user u; --'", "select 'a'\r'; drop user b'; help", "select $a$;$a$; help; select $$;$$",
		"create or replace function f() returns int begin atomic select case when true then 1 end; select 2; end; drop user u",
		"select (1;2); help", "/* ; /* ; */ ; */ help; -- ;\nhelp", "select U&\"a;\" uescape '!', n';', x';'; drop user u",
		"create data source s type kafka options (a ';', b $x$;$x$); help", "select a$b$;$b$; help", "select 1e';'; help", "select $1;drop user u",
		"create user u with password ';'; help", "select E'\\'';help;'", "select '\\';help;'", "select U&'\\003b'\n';'; help", "select 1<--;\n2; help", "select @/*;*/@ 1; help",
	} {
		f.Add(query)
	}
	f.Fuzz(func(t *testing.T, query string) {
		if !utf8.ValidString(query) || strings.ContainsRune(query, 0) || len(query) > 1000 {
			return
		}
		scanned, err := pgquery.Scan(query)
		if err != nil {
			return
		}
		borders := semicolons(scanned.Tokens)
		for _, s := range parse(query) {
			if query[s.End-1] == ';' && s.End < len(query) && !borders[s.End-1] {
				t.Fatalf("%q is cut at %d, where PostgreSQL has no end of a statement", query, s.End-1)
			}
			for at := range borders {
				if s.Command != nil && s.Start < at && at < s.End-1 {
					t.Fatalf("the command %q is more than one statement of PostgreSQL's", query[s.Start:s.End])
				}
			}
		}
	})
}

// semicolons returns the offsets at which PostgreSQL's tokens end statements. It recognizes a
// function's body by psql's rule: after CREATE [OR REPLACE] FUNCTION or PROCEDURE.
func semicolons(tokens []*pganalyze.ScanToken) map[int]bool {
	borders := make(map[int]bool)
	parens, body := 0, 0
	var head []pganalyze.Token
	for i, token := range tokens {
		switch token.Token {
		case pganalyze.Token_SQL_COMMENT, pganalyze.Token_C_COMMENT:
			continue
		case pganalyze.Token_ASCII_40:
			parens++
		case pganalyze.Token_ASCII_41:
			parens--
		case pganalyze.Token_BEGIN_P:
			if parens <= 0 && makesRoutine(head) && (body > 0 || i+1 < len(tokens) && tokens[i+1].Token == pganalyze.Token_ATOMIC) {
				body++
			}
		case pganalyze.Token_CASE:
			if parens <= 0 && body > 0 {
				body++
			}
		case pganalyze.Token_END_P:
			if parens <= 0 && body > 0 {
				body--
			}
		case pganalyze.Token_ASCII_59:
			if parens <= 0 && body == 0 {
				borders[int(token.Start)] = true
				head, parens = nil, 0
				continue
			}
		}
		head = append(head, token.Token)
	}
	return borders
}

// makesRoutine reports whether a statement with these first tokens creates a function or a
// procedure.
func makesRoutine(head []pganalyze.Token) bool {
	if len(head) > 3 && head[1] == pganalyze.Token_OR && head[2] == pganalyze.Token_REPLACE {
		head = append([]pganalyze.Token{head[0]}, head[3:]...)
	}
	return len(head) > 1 && head[0] == pganalyze.Token_CREATE && (head[1] == pganalyze.Token_FUNCTION || head[1] == pganalyze.Token_PROCEDURE)
}
