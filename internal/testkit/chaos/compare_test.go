package chaos

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"metadb/internal/change"
	"metadb/internal/target/consistency"
	"metadb/internal/testkit/oracle"
	"metadb/internal/testkit/testbed"
)

// check waits until the tables are equal to the oracle's, and all rejected events are stored.
func (w *environment) check() {
	w.t.Helper()
	w.producer.flush()
	err := testbed.Eventually(w.t.Context(), quietTime, "be what the oracle says", func() error {
		conn, err := pgx.Connect(w.t.Context(), w.metadb.Database())
		if err != nil {
			return err
		}
		defer func() { _ = conn.Close(w.t.Context()) }()
		for _, of := range w.source.tables {
			if err := w.compare(conn, w.source.target(of)); err != nil {
				return err
			}
		}
		var rejected int
		if err := conn.QueryRow(w.t.Context(), "SELECT count(*) FROM metadb.rejected_event").Scan(&rejected); err != nil {
			return err
		}
		if rejected != w.source.hostile {
			return fmt.Errorf("%d rejected events, not %d", rejected, w.source.hostile)
		}
		return nil
	})
	if err != nil {
		var differs *difference
		if errors.As(err, &differs) {
			w.t.Log(w.rowHistory(differs))
		}
		w.t.Fatalf("%v\nafter %v\n%s", err, strings.Join(w.trail, ", "), w.describe())
	}
	w.position() // updates the number of sessions
	w.verify()
}

// verify verifies the tables as "verify consistency" does.
func (w *environment) verify() {
	w.t.Helper()
	conn, err := pgx.Connect(w.t.Context(), w.metadb.Database())
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = conn.Close(w.t.Context()) }()
	if findings, err := consistency.Verify(w.t.Context(), conn, consistency.Report{}); err != nil || len(findings) > 0 {
		w.t.Fatalf("verify consistency: %v, %+v\nafter %v\n%s", err, findings, strings.Join(w.trail, ", "), w.describe())
	}
}

// compare compares the versions of a table.
func (w *environment) compare(conn *pgx.Conn, name change.Table) error {
	want := expected(w.source.oracle.Table(name))
	if len(want) == 0 {
		return nil
	}
	columns := make([]string, 0, 4)
	for _, c := range w.source.oracle.Table(name).Columns {
		columns = append(columns, fmt.Sprintf("coalesce(%q::text, 'NULL')", c.Name))
	}
	sql := fmt.Sprintf(`SELECT concat_ws('|', %s, (extract(epoch FROM __start) * 1000000)::bigint,
		CASE WHEN __current THEN 'now' ELSE (extract(epoch FROM __end) * 1000000)::bigint::text END) FROM %q.%q`,
		strings.Join(columns, ", "), name.Schema, name.Name+"__")
	rows, err := conn.Query(w.t.Context(), sql)
	if err != nil {
		return err
	}
	got, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return err
	}
	slices.Sort(got)
	if slices.Equal(got, want) {
		return nil
	}
	return &difference{name, without(got, want), without(want, got)}
}

// difference has the surplus and the missing versions of a table.
type difference struct {
	table            change.Table
	surplus, missing string
}

func (d *difference) Error() string {
	return fmt.Sprintf("table %s; surplus:\n%s\nmissing:\n%s", d.table, d.surplus, d.missing)
}

// id returns the id of the first row that differs.
func (d *difference) id() string {
	id, _, _ := strings.Cut(d.surplus+d.missing, "|")
	return id
}

// expected returns the oracle's versions as lines.
func expected(t *oracle.Table) []string {
	if t == nil {
		return nil
	}
	lines := make([]string, 0, len(t.Versions))
	for _, v := range t.Versions {
		fields := make([]string, 0, len(v.Values)+2)
		for _, value := range v.Values {
			text := "NULL"
			if value.Present {
				text = value.Text
			}
			fields = append(fields, text)
		}
		end := "now"
		if !v.IsCurrent() {
			end = fmt.Sprint(int64(v.End))
		}
		lines = append(lines, strings.Join(append(fields, fmt.Sprint(int64(v.Start)), end), "|"))
	}
	slices.Sort(lines)
	return lines
}

// without returns the first lines of a that are not in b, at most ten.
func without(a, b []string) string {
	var lines []string
	for _, line := range a {
		if _, found := slices.BinarySearch(b, line); !found && len(lines) < 10 {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "\n")
}
