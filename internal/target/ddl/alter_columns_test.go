package ddl_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"metadb/internal/change"
	"metadb/internal/target/ddl"
)

func TestAddColumns(t *testing.T) {
	b := newBench(t)
	b.apply(upsert(patron, 2026, column("id", change.Integer)))
	columns := []change.Column{column("id", change.Integer)}
	for i := range 300 {
		columns = append(columns, column(fmt.Sprintf("Column %d", i), change.Text))
	}
	b.apply(upsert(patron, 2026, columns...))
	b.wantTexts([]string{"306"}, `SELECT count(*)::text FROM pg_attribute
		WHERE attrelid = 'library.zzz___patron___2026'::regclass AND attnum > 0`)
}

// TestTypePath converts values through every type in between, also when one batch has several
// steps.
func TestTypePath(t *testing.T) {
	for name, batches := range map[string][][]change.Type{
		"one batch":   {{change.Double, change.Text}},
		"two batches": {{change.Double}, {change.Text}},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.apply(upsert(patron, 2026, column("id", change.Integer), column("v", change.Real)))
			b.exec(`INSERT INTO library.patron__ (__start, __end, __current, id, v) VALUES
				('2026-02-01Z', '9999-12-31Z', true, 1, 0.1), ('2026-02-01Z', '2026-03-01Z', false, 1, 0.1)`)
			for _, types := range batches {
				var events []change.Event
				for _, to := range types {
					events = append(events, upsert(patron, 2026, column("id", change.Integer), column("v", to)))
				}
				b.apply(events...)
			}
			b.wantTexts([]string{"0.10000000149011612", "0.10000000149011612"}, "SELECT v FROM library.patron__")
			if !strings.Contains(b.log.String(), "type of column v changed") {
				t.Errorf("log: %s", b.log.String())
			}
		})
	}
}

func TestTextIsWhatPostgreSQLPrints(t *testing.T) {
	b := newBench(t)
	b.exec("SET timezone = 'America/New_York'; SET datestyle = 'SQL, DMY'; SET intervalstyle = 'iso_8601'; SET bytea_output = 'escape'")
	types := []change.Type{change.TimestampTZ, change.Interval, change.Bytea, change.Date}
	from, to := []change.Column{column("id", change.Integer)}, []change.Column{column("id", change.Integer)}
	for i, kind := range types {
		from = append(from, column(fmt.Sprint("c", i), kind))
		to = append(to, column(fmt.Sprint("c", i), change.Text))
	}
	b.apply(upsert(patron, 2026, from...))
	b.exec(`INSERT INTO library.patron__ (__start, __end, __current, id, c0, c1, c2, c3) VALUES
		('2026-02-01Z', '9999-12-31Z', true, 1, '2026-02-01 10:00:00Z', '1 mon 3 days', '\x0001', '2026-02-01')`)
	b.apply(upsert(patron, 2026, to...))
	b.wantTexts([]string{`2026-02-01 10:00:00+00|1 mon 3 days|\x0001|2026-02-01`}, "SELECT concat_ws('|', c0, c1, c2, c3) FROM library.patron")
}

// TestViewIsNamed puts a view in the way of a change of type: the error names the view.
func TestViewIsNamed(t *testing.T) {
	b := newBench(t)
	b.apply(upsert(patron, 2026, column("id", change.Integer), column("v", change.Integer)))
	b.exec("CREATE VIEW public.report AS SELECT v FROM library.patron")
	err := b.try(upsert(patron, 2026, column("id", change.Integer), column("v", change.Text)))
	if err == nil || !strings.Contains(err.Error(), "view report") || !strings.Contains(err.Error(), "library.patron") {
		t.Errorf("got %v", err)
	}
	b.checkLoaded()
}

func TestUUIDBecomesText(t *testing.T) {
	b := newBench(t)
	b.apply(upsert(patron, 2026, column("id", change.UUID)))
	b.exec(`INSERT INTO library.patron (__start, __end, __current, id) VALUES
		('2026-02-01Z', '9999-12-31Z', true, 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11')`)
	e := upsert(patron, 2026, column("id", change.Text))
	e.Row = change.AppendValue(nil, []byte("none"))
	b.apply(e)
	b.wantTexts([]string{"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"}, "SELECT id FROM library.patron")
}

func TestKeyChange(t *testing.T) {
	b := newBench(t)
	columns := []change.Column{column("id", change.Integer), column("code", change.Integer)}
	b.apply(upsert(patron, 2026, columns...))
	b.exec(`INSERT INTO library.patron (__start, __end, __current, id, code) VALUES
		('2026-02-01Z', '9999-12-31Z', true, 1, 10), ('2026-02-01Z', '9999-12-31Z', true, 2, 20)`)
	b.apply(withKey(upsert(patron, 2026, columns...), 1))
	b.wantTexts([]string{"(__id)", "UNIQUE (code, __origin) NULLS NOT DISTINCT WITH (fillfactor='70')"}, indexesSQL, "library.patron")
	b.apply(withKey(upsert(patron, 2026, columns...), 0, 1))
	b.wantTexts([]string{"(__id)", "(code)", "UNIQUE (id, code, __origin) NULLS NOT DISTINCT WITH (fillfactor='70')"}, indexesSQL, "library.patron")
}

// TestKeyChangeWithEqualRows changes the key where several current rows have the new one: no unique
// index is possible until they end.
func TestKeyChangeWithEqualRows(t *testing.T) {
	b := newBench(t)
	b.apply(upsert(patron, 2026, column("id", change.Integer)))
	b.exec(`INSERT INTO library.patron (__start, __end, __current, id) VALUES
		('2026-02-01Z', '9999-12-31Z', true, 1), ('2026-02-01Z', '9999-12-31Z', true, 2)`)
	b.apply(withKey(upsert(patron, 2026, column("id", change.Integer), column("code", change.Integer)), 1))
	if b.store.Snapshot().Table(patron).UniqueKey {
		t.Error("the key is said to be guarded")
	}
	b.wantTexts([]string{"(__id)", "(code, __origin) WITH (fillfactor='70')"}, indexesSQL, "library.patron")

	b.exec("DELETE FROM library.patron WHERE id = 2")
	err := pgx.BeginFunc(t.Context(), b.conn, func(tx pgx.Tx) error {
		table, err := ddl.EnsureUniqueKey(t.Context(), tx, b.store.Snapshot().Table(patron))
		if err != nil {
			return err
		}
		b.store.Publish(table)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	b.checkLoaded()
	b.wantTexts([]string{"(__id)", "UNIQUE (code, __origin) NULLS NOT DISTINCT WITH (fillfactor='70')"}, indexesSQL, "library.patron")
}
