package wire_test

import (
	"testing"

	"metadb/internal/ident"
)

// TestParametersChange checks that the client gets the changed values of parameters, in both
// protocols.
func TestParametersChange(t *testing.T) {
	t.Parallel()
	p := open(t, nil)
	steps := []struct{ sql, name, want string }{
		{"list status", "TimeZone", "Etc/UTC"},
		{"set timezone = 'Europe/Berlin'", "TimeZone", "Europe/Berlin"},
		{"set application_name = 'reports'", "application_name", "reports"},
		{"begin", "DateStyle", "ISO, MDY"},
		{"set local datestyle = 'german'", "DateStyle", "German, DMY"},
		{"rollback", "DateStyle", "ISO, MDY"},
		{"select set_config('intervalstyle', 'iso_8601', false)", "IntervalStyle", "iso_8601"},
		{"set client_encoding = 'latin1'", "client_encoding", "LATIN1"},
		{"list status", "TimeZone", "Europe/Berlin"},
		{"discard all", "TimeZone", "Etc/UTC"},
		{"list status", "application_name", ""},
	}
	for name, send := range ways() {
		pg := p.connect().PgConn()
		for _, step := range steps {
			send(t, pg, step.sql)
			if got := pg.ParameterStatus(step.name); got != step.want {
				t.Errorf("%s, %s: %s is %q, want %q", name, step.sql, step.name, got, step.want)
			}
		}
	}
	// The parameter changes between two commands of one message.
	pg := p.connect().PgConn()
	if _, err := pg.Exec(t.Context(), "list status; set timezone = 'Asia/Tokyo'; list status").ReadAll(); err != nil {
		t.Fatal(err)
	}
	if got := pg.ParameterStatus("TimeZone"); got != "Asia/Tokyo" {
		t.Error(got)
	}
}

// TestParametersOfTheDatabase changes the database's defaults: a session that has not used the
// database yet gets the new values with its first statement.
func TestParametersOfTheDatabase(t *testing.T) {
	t.Parallel()
	p := open(t, nil)
	// The first session of a role reads the parameters from the database; later ones get the cached
	// values.
	p.connect()
	first, second := p.connect().PgConn(), p.connect().PgConn()
	if _, err := p.Pool.Exec(t.Context(), "alter database "+ident.Name(p.Name).SQL()+" set timezone = 'Asia/Tokyo'"); err != nil {
		t.Fatal(err)
	}
	for name, send := range ways() {
		pg := first
		if name == "simple" {
			pg = second
		}
		before := pg.ParameterStatus("TimeZone")
		send(t, pg, "select 1")
		if got := pg.ParameterStatus("TimeZone"); before == got || got != "Asia/Tokyo" {
			t.Errorf("%s: time zone %q became %q", name, before, got)
		}
	}
}
