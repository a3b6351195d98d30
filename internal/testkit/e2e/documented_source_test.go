//go:build e2e

package e2e

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"metadb/internal/testkit/doctest"
	"metadb/internal/testkit/pace"
	"metadb/internal/testkit/pgtest"
)

// documentedTables are the tables of the source in docs/data-sources.md, and some that its
// publication must leave out: partitions and a table without a key.
const documentedTables = `
create schema library;
create schema sales;
create table library.patron (id uuid primary key, name text, notes text);
create table library."PatronGroup" ("Id" integer primary key, "Name" text);
create table library.loan (id bigint, due date, patron text, primary key (id, due)) partition by range (due);
create table library.loan_2025 partition of library.loan for values from ('2025-01-01') to ('2026-01-01');
create table library.loan_2026 partition of library.loan for values from ('2026-01-01') to ('2027-01-01');
create table library.visit (at timestamptz, gate text);
create table sales.product (id integer primary key, name text, price numeric(10,2),
    price_with_tax numeric(12,2) generated always as (price * 1.19) stored, notes text, updated timestamptz);
insert into library.patron select md5(g::text)::uuid, 'Patron ' || g, repeat('x', g) from generate_series(1, 200) g;
insert into library."PatronGroup" values (1, 'undergrad'), (2, 'staff');
insert into library.loan select g, date '2025-01-01' + g, 'Patron ' || g from generate_series(1, 700) g;
insert into library.visit values (now(), 'north');
insert into sales.product (id, name, price, notes, updated)
    select g, 'Product ' || g, g * 1.5, 'a note', now() from generate_series(1, 50) g;
`

// documentedChanges change rows of every table, move rows between partitions, and truncate.
const documentedChanges = `
update library.patron set name = name || ' (seen)' where notes like 'xxxxx%';
delete from library.patron where id = md5('7')::uuid;
truncate library."PatronGroup";
insert into library."PatronGroup" values (3, 'alumni');
update library.loan set due = due + 365 where id between 100 and 120;
update library.loan set patron = 'nobody' where id = 500;
delete from library.loan where id = 600;
create table library.loan_2027 partition of library.loan for values from ('2027-01-01') to ('2028-01-01');
insert into library.loan values (9001, '2027-06-01', 'Patron 1');
update library.visit set gate = 'south';
delete from library.visit where gate = 'north';
update sales.product set price = price + 1, notes = 'changed' where id in (1, 3);
insert into sales.product (id, name, price) values (51, 'Product 51', 2);
`

// documented has the setup of a source, its connector and a data source in
// docs/data-sources.md.
type documented struct {
	settings  []string
	access    string
	sql       []string
	connector properties
	create    string
}

// readDocumented reads the page.
func readDocumented(t *testing.T) documented {
	t.Helper()
	file, err := os.Open(filepath.Join("..", "..", "..", "docs", "data-sources.md"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	blocks, err := doctest.ParsePage(file)
	if err != nil {
		t.Fatal(err)
	}
	d := documented{connector: properties{}}
	for _, block := range blocks {
		switch {
		case block.Kind == doctest.SourceConfig:
			d.settings = append(d.settings, strings.Split(strings.TrimSpace(block.Text), "\n")...)
		case block.Kind == doctest.SourceAccess:
			d.access += block.Text
		case block.Kind == doctest.Source:
			d.sql = append(d.sql, block.Text)
		case block.Kind == doctest.Connector:
			for line := range strings.Lines(block.Text) {
				if key, value, found := strings.Cut(strings.TrimSpace(line), "="); found {
					d.connector[key] = value
				}
			}
		case block.Kind == doctest.Admin && d.create == "":
			d.create = block.Text
		}
	}
	return d
}

// startDocumented starts a source with the page's settings, access, user and publication. The
// lists of tables and columns that the page's last statements print must be those of its
// connector.
func startDocumented(t *testing.T, d documented) *source {
	t.Helper()
	cluster := startCluster(t, pgtest.Options{Settings: d.settings, Password: "of the superuser"})
	server := openSource(t, cluster, "postgres")
	server.exec(t, "create database library")
	access := "host all postgres 127.0.0.1/32 scram-sha-256\n" + strings.ReplaceAll(d.access, "192.0.2.10", "127.0.0.1")
	file := strings.TrimSpace(server.feed(t, "show hba_file"))
	if err := os.WriteFile(file, []byte(access), 0o600); err != nil {
		t.Fatal(err)
	}
	server.exec(t, "select pg_reload_conf()")
	s := openSource(t, cluster, "library")
	s.feed(t, documentedTables)
	printed := ""
	for _, block := range d.sql {
		printed = s.feed(t, block)
	}
	want := fmt.Sprintf("table.include.list=%s\ncolumn.exclude.list=%s\n", d.connector["table.include.list"], d.connector["column.exclude.list"])
	if printed != want {
		t.Errorf("the statements print\n%sand the connector has\n%s", printed, want)
	}
	return s
}

// hold waits until the tables of the page's publication are equal on both sides.
func (d documented) hold(t *testing.T, s *source, m *metadb, what string) {
	t.Helper()
	eventually(t, pace.Hang, what, func() error {
		var differences []error
		for table := range strings.SplitSeq(d.connector["table.include.list"], ",") {
			name := pgx.Identifier(strings.Split(table, "."))
			if name[0] == "debezium" {
				continue
			}
			columns, err := columnsOf(t.Context(), s.pool, name)
			if err != nil {
				return err
			}
			columns = slices.DeleteFunc(columns, func(column string) bool {
				return table+"."+column == d.connector["column.exclude.list"]
			})
			want, err := queryTexts(t.Context(), s.pool, contentsSQL(name, columns))
			if err != nil {
				return err
			}
			got, err := queryTexts(t.Context(), m.pool, contentsSQL(name, columns))
			if err == nil {
				err = describeDifference(columns, want, got)
			}
			if err != nil {
				differences = append(differences, fmt.Errorf("%s: %w", table, err))
			}
		}
		return errors.Join(differences...)
	})
}

// readAgain has the connector read library.patron again while the stream continues.
func readAgain(t *testing.T, s *source, m *metadb) {
	t.Helper()
	from := len(m.logged(t))
	m.psql(t, "sync table library.patron__")
	s.exec(t, `insert into debezium.signal values ('patron-1', 'execute-snapshot',
		'{"data-collections": ["library.patron"], "type": "incremental"}')`)
	m.awaitLog(t, from, "table library.patron: snapshot complete (notification received)")
	m.psql(t, "endsync table library.patron__")
}

// awaitState waits for a state of the stream.
func awaitState(t *testing.T, m *metadb, state string) {
	t.Helper()
	eventually(t, pace.Hang, "the stream is "+state, func() error {
		if status := m.psql(t, "list status"); !strings.Contains(status, "|"+state+"|") {
			return errors.New(status)
		}
		return nil
	})
}

// TestDocumentedSource follows docs/data-sources.md with a source that has tables of every
// kind, as the user of the page and with its privileges.
func TestDocumentedSource(t *testing.T) {
	t.Parallel()
	d, m := readDocumented(t), install(t)
	source := startDocumented(t, d)
	s := joinStack(t, source)
	d.connector["database.hostname"] = source.cluster.Host()
	d.connector["database.port"] = strconv.Itoa(source.cluster.Port())
	d.connector["heartbeat.interval.ms"] = "1000" // makes a silent connector visible sooner
	s.connect.createConnector(t, "metadb_sensor_1", d.connector)
	m.start(t)
	m.psql(t, strings.ReplaceAll(d.create, "kafka.example.org:9092", s.broker))
	m.awaitLog(t, 0, `source "sensor" snapshot complete (last record received)`)
	m.psql(t, "endsync data source sensor")
	source.feed(t, documentedChanges)
	d.hold(t, source, m, "snapshot and changes arrive")

	// No table of the source keeps the slot back, published or not.
	source.exec(t, "insert into library.visit select now(), repeat('gate', 10) from generate_series(1, 10000)")
	written := source.feed(t, "select pg_current_wal_lsn()")
	eventually(t, pace.Hang, "the slot moves on", func() error {
		if said := source.feed(t, "select confirmed_flush_lsn >= '"+strings.TrimSpace(written)+"' from pg_replication_slots"); said != "t\n" {
			return errors.New(said)
		}
		return nil
	})
	readAgain(t, source, m)
	source.feed(t, "update sales.product set price = price + 1, notes = '7' where id < 10; truncate library.loan; insert into library.loan values (1, '2026-01-01', 'p')")
	d.hold(t, source, m, "changes after an incremental snapshot arrive")
	source.exec(t, "create table library.later (id integer primary key)")
	if may := source.feed(t, "select has_table_privilege('debezium', 'library.later', 'select')"); may != "t\n" {
		t.Errorf("the user may read a table that is new: %s", may)
	}

	awaitState(t, m, "active")
	m.psql(t, "alter data source sensor options (add silence_warning '5 s')")
	for _, step := range []struct{ action, state string }{{"pause", "silent"}, {"resume", "active"}} {
		if err := s.connect.request(t, http.MethodPut, "/connectors/metadb_sensor_1/"+step.action, nil, nil); err != nil {
			t.Fatal(err)
		}
		awaitState(t, m, step.state)
	}

	var made []string
	for _, table := range m.rows(t, "select schema_name, table_name from metadb.base_table order by 1, 2") {
		made = append(made, strings.Join(table, "."))
	}
	want := []string{"library.PatronGroup", "library.loan", "library.patron", "sales.product"}
	if !slices.Equal(made, want) {
		t.Errorf("the tables are %v, want %v", made, want)
	}
	if n := value[int](t, m, "select count(*) from metadb.rejected_event"); n != 0 {
		t.Errorf("%d events were rejected", n)
	}
}
