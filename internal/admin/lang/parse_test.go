package lang_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"metadb/internal/admin/lang"
)

// TestCommands parses every command of docs/spec/07-commands.md#commands and prints it back.
func TestCommands(t *testing.T) {
	t.Parallel()
	tests := []struct{ query, want string }{
		{
			"CREATE DATA SOURCE Sensor TYPE Kafka OPTIONS (Brokers 'b:1', topics '^a\\.,^b''s')",
			"create data source sensor type kafka options (brokers 'b:1', topics '^a\\.,^b''s')",
		},
		{`create data source "Se ""n" type kafka`, `create data source "Se ""n" type kafka`},
		{
			"alter data source s options (add a '1', set b '2', drop c, d '4', set set 'x', add 'y')",
			"alter data source s options (a '1', set b '2', drop c, d '4', set set 'x', add 'y')",
		},
		{"create data source s type kafka options (sasl_password 'x')", "create data source s type kafka options (sasl_password '********')"},
		{"drop data source s", "drop data source s"},
		{"create data origin east", "create data origin east"},
		{"drop data origin east", "drop data origin east"},
		{
			"create data mapping for json from table library.inventory__ column jsondata path '$.a.b' to 'x'",
			"create data mapping for json from table library.inventory__ column jsondata path '$.a.b' to 'x'",
		},
		{
			"drop data mapping for json from table inventory__ column jsondata path '$'",
			"drop data mapping for json from table inventory__ column jsondata path '$'",
		},
		{"refresh data mapping for table a.b__", "refresh data mapping for table a.b__"},
		{"alter system set max_poll_interval = '3000'", "alter system set max_poll_interval = '3000'"},
		{"alter system set max_poll_interval to 3000", "alter system set max_poll_interval = '3000'"},
		{"alter table a.b__ add column c numeric(10, 2)", "alter table a.b__ add column c numeric(10, 2)"},
		{`alter table "x y".b__ alter column "C" type timestamp with time zone`, `alter table "x y".b__ alter column "C" type timestamp with time zone`},
		{"purge data drop table a.b__, c__", "purge data drop table a.b__, c__"},
		{"create user u with password 'p', comment 'c'", "create user u with password '********', comment 'c'"},
		{"create user u with password 'p'", "create user u with password '********'"},
		{"ALTER USER U WITH PASSWORD 'p'", "alter user u with password '********'"},
		{"drop user u", "drop user u"},
		{"register user u", "register user u"},
		{"deregister user u", "deregister user u"},
		{"create schema for user u", "create schema for user u"},
		{"grant access on table s.t to u", "grant access on table s.t to u"},
		{"grant access on function s.f(int, numeric(1,2)) to u", "grant access on function s.f(int, numeric(1,2)) to u"},
		{"revoke access on function f() from u", "revoke access on function f() from u"},
		{"grant access on all to u", "grant access on all to u"},
		{"list /* a /* nested */ one */ status -- yes", "list status"},
		{"refresh inferred column types", "refresh inferred column types"},
		{"verify consistency", "verify consistency"},
		{"sync data source s", "sync data source s"},
		{"endsync table a.b__", "endsync table a.b__"},
		{"sync data source s with (Restart, from_beginning)", "sync data source s with (restart, from_beginning)"},
		{"endsync table a.b__ with (dry_run)", "endsync table a.b__ with (dry_run)"},
		{"abort sync data source s", "abort sync data source s"},
		{"retry rejected events for data source s", "retry rejected events for data source s"},
		{"purge rejected events for data source s", "purge rejected events for data source s"},
		{"skip partition sensor.Library.patron-1/0 to offset 18 for data source s", "skip partition 'sensor.Library.patron-1'/0 to offset 18 for data source s"},
		{"skip partition \"a--b\"/12 to offset 9223372036854775807 for data source s", "skip partition 'a--b'/12 to offset 9223372036854775807 for data source s"},
		{"skip partition 'a'/1 to offset 2 for data source \"S\"", "skip partition 'a'/1 to offset 2 for data source \"S\""},
		{"skip partition a/2147483648 to offset 1 for data source s", ""},
		{"skip partition a to offset 1 for data source s", ""},
		{"skip partition a/1 to offset -1 for data source s", ""},
		{"help", "help"},
		{"help create data source", "help create data source"},
		{"create data origin $$it's$$", ""},
	}
	for _, test := range tests {
		got := one(t, test.query+";")
		if test.want == "" {
			if got.Err == nil {
				t.Errorf("%s: no error", test.query)
			}
			continue
		}
		if got.Err != nil {
			t.Errorf("%s: %v", test.query, got.Err)
			continue
		}
		if got.Command.String() != test.want {
			t.Errorf("%s\n got %s\nwant %s", test.query, got.Command, test.want)
		}
	}
}

// TestSQL has SQL statements that begin like a command.
func TestSQL(t *testing.T) {
	t.Parallel()
	for _, query := range []string{
		"select 1",
		"create user u",
		"create user u with password null",
		"create user u valid until 'x'",
		"alter user u with password 'SCRAM-SHA-256$4096:c2FsdA==$c3RvcmVk:c2VydmVy'",
		"alter user u with password null",
		"alter user u password 'SCRAM-SHA-256$4096:c2FsdA==$c3RvcmVk:c2VydmVy'",
		"alter user u with encrypted password 'md5d41d8cd98f00b204e9800998ecf8427e'",
		"alter role u set search_path = 'a', 'b'",
		"alter role u set timezone to 'UTC'",
		"alter role u in database d set time zone 'UTC'",
		"create user mapping for u server s options (user 'x', password 'y')",
		"select * from metadb.source where sasl_password = 'x'",
		"explain select 1 from t where password = 'x'",
		"update t set password = 'x'",
		"select 'password', 'sasl_password'",
		"comment on column t.password is 'x'",
		"create function f() returns text as 'password' language sql",
		"drop user if exists u",
		"drop user a, b",
		"create schema s",
		"grant select on t to u",
		"grant access to u",
		"revoke access from u",
		"alter table t add column c text",
		"alter table s.t__ add c text",
		"alter table s.t__ owner to x",
		"alter table s.t__ alter column c set default 1",
		"alter table only s.t__ add column c text",
		"alter system reset work_mem",
		"refresh materialized view v",
		"abort",
		"abort work",
		`"list" status`,
		"select 'unterminated",
		"/* unterminated",
	} {
		got := one(t, query)
		if !got.IsSQL() {
			t.Errorf("%s: taken for a command: %v, %v", query, got.Command, got.Err)
		}
	}
}

// TestErrors checks message, hint and position.
func TestErrors(t *testing.T) {
	t.Parallel()
	tests := []struct {
		query, code, message, hint string
		position                   int
	}{
		{"list", "42601", "syntax error at end of input", `expected "blockers", "config", "data_mappings", "data_origins", "data_sources", "status" or "users"`, 5},
		{"list;", "42601", `syntax error at or near ";"`, `expected "blockers", "config", "data_mappings", "data_origins", "data_sources", "status" or "users"`, 5},
		{"list sttaus", "42601", `syntax error at or near "sttaus"`, `did you mean "status"?`, 6},
		{"list status now", "42601", `syntax error at or near "now"`, "", 13},
		{"select 1; list stat", "42601", `syntax error at or near "stat"`, `did you mean "status"?`, 16},
		{"select 'ä€𝄞'; list x", "42601", `syntax error at or near "x"`, `expected "blockers", "config", "data_mappings", "data_origins", "data_sources", "status" or "users"`, 20},
		{"create data sorce x", "42601", `syntax error at or near "sorce"`, `did you mean "source"?`, 13},
		{"create data source x type kafka options (a 'b'", "42601", "syntax error at end of input", `expected "," or ")"`, 47},
		{"create data source x type kafka options (a 'b';", "42601", `syntax error at or near ";"`, `expected "," or ")"`, 47},
		{"create data source x type kafka options (a 'b)", "42601", `unterminated quoted string at or near "'b)"`, "", 44},
		{"create data source x type kafka options (a E'b')", "42601", `syntax error at or near "E'b'"`, "string constants of commands are written '…', with '' for a quote", 44},
		{"create data source x type kafka options (a $1)", "42601", `syntax error at or near "$1"`, "expected a value in single quotes", 44},
		{`drop data source ""`, "42601", `zero-length delimited identifier at or near """"`, "", 18},
		{"drop data source /* x", "42601", `unterminated /* comment at or near "/* x"`, "", 18},
		{"alter table s.t__ add column c", "42601", "syntax error at end of input", "expected a type", 31},
	}
	for _, test := range tests {
		statements := parse(test.query)
		if len(statements) == 0 || statements[len(statements)-1].Err == nil {
			t.Errorf("%s: no error", test.query)
			continue
		}
		want := lang.Error{Code: test.code, Message: test.message, Hint: test.hint, Position: test.position}
		if got := *statements[len(statements)-1].Err; got != want {
			t.Errorf("%s\n got %+v\nwant %+v", test.query, got, want)
		}
	}
}

// TestSplit checks the bounds of statements.
func TestSplit(t *testing.T) {
	t.Parallel()
	tests := []struct {
		query string
		want  []string
	}{
		{"", nil},
		{" ;; -- x\n ; /* y */", nil},
		{"select 1", []string{"select 1"}},
		{"select 1; list status ;select 2", []string{"select 1;", "list status ;", "select 2"}},
		{"select ';', E'\\';', \";\", $$;$$, $a$;$$;$a$; x", []string{"select ';', E'\\';', \";\", $$;$$, $a$;$$;$a$;", "x"}},
		{"select U&'\\'';', a$b$; c$b$", []string{"select U&'\\'';', a$b$;", "c$b$"}},
		{"create rule r as on insert to t do (a; b); c", []string{"create rule r as on insert to t do (a; b);", "c"}},
		{
			"create or replace function f() begin atomic select case when a then b end; select 2; end; c",
			[]string{"create or replace function f() begin atomic select case when a then b end; select 2; end;", "c"},
		},
		{"begin; commit", []string{"begin;", "commit"}},
		{"select 1 /* ; /* ; */ ; */; x", []string{"select 1 /* ; /* ; */ ; */;", "x"}},
	}
	for _, test := range tests {
		var got []string
		for _, s := range parse(test.query) {
			got = append(got, test.query[s.Start:s.End])
		}
		if strings.Join(got, "¦") != strings.Join(test.want, "¦") {
			t.Errorf("%s\n got %q\nwant %q", test.query, got, test.want)
		}
	}
}

// FuzzParse checks that the parser does not panic, that positions lie inside the text, and that a
// command which is printed and parsed again is the same.
func FuzzParse(f *testing.F) {
	for _, query := range []string{
		"list status;", "create data source s type kafka options (a 'b', c $$d$$);", "alter table s.t__ add column c int;",
		"create user u with password 'p', comment 'c'", "grant access on function f(a, b(1)) to \"U\"", "select E'\\'' ; list '", "/* /* */",
		"create function f begin atomic ; end; list x", "U&\"a\" $1 $a$ $a$", "alter data source s options (add a 'b', set c 'd', drop e)",
	} {
		f.Add(query)
	}
	f.Fuzz(func(t *testing.T, query string) {
		at := 0
		for _, s := range parse(query) {
			if s.Start < at || s.End < s.Start || s.End > len(query) {
				t.Fatalf("statement from %d to %d after %d", s.Start, s.End, at)
			}
			at = s.End
			if s.Err != nil && (s.Err.Position < 1 || s.Err.Position > utf8.RuneCountInString(query)+1) {
				t.Fatalf("position %d is outside of the text", s.Err.Position)
			}
			if s.Command == nil {
				continue
			}
			printed := s.Command.String()
			again := parse(printed)
			if len(again) != 1 || again[0].Command == nil || again[0].Command.String() != printed {
				t.Fatalf("%q prints as %q, which is not the same", query[s.Start:s.End], printed)
			}
		}
	})
}

func one(t *testing.T, query string) lang.Statement {
	t.Helper()
	statements := parse(query)
	if len(statements) != 1 {
		t.Fatalf("%s: %d statements", query, len(statements))
	}
	return statements[0]
}
