package plan_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"metadb/internal/change"
	"metadb/internal/target/catalog"
	"metadb/internal/target/plan"
)

var (
	patron = change.Table{Schema: "library", Name: "patron"}
	loan   = change.Table{Schema: "library", Name: "loan"}
)

// row returns an upsert of a row; its first column is the key. A column is
// written as "name type"; its value is NULL.
func row(table change.Table, columns ...string) change.Event {
	shape := &change.Shape{Key: []int{0}}
	e := change.Event{Op: change.Upsert, Source: table, Table: table, Shape: shape, Time: at(2026)}
	for _, text := range columns {
		name, kind, _ := strings.Cut(text, " ")
		shape.Columns = append(shape.Columns, change.Column{Name: name, Type: typeNamed(kind)})
		e.Row = change.AppendNull(e.Row)
	}
	return e
}

func typeNamed(name string) change.Type {
	for t := change.Text; int(t) < change.TypeCount; t++ {
		if t.String() == name {
			return t
		}
	}
	panic("no type " + name)
}

func at(year int) change.Micros {
	return change.Micros(time.Date(year, 7, 1, 0, 0, 0, 0, time.UTC).UnixMicro())
}

func with(e change.Event, changes ...func(*change.Event)) change.Event {
	for _, f := range changes {
		f(&e)
	}
	return e
}

func op(o change.Op) func(*change.Event) { return func(e *change.Event) { e.Op = o } }

func key(columns ...int) func(*change.Event) {
	return func(e *change.Event) { e.Shape = &change.Shape{Columns: e.Shape.Columns, Key: columns} }
}

func from(schema, name string) func(*change.Event) {
	return func(e *change.Event) { e.Source = change.Table{Schema: schema, Name: name} }
}

func origin(o change.Origin) func(*change.Event) { return func(e *change.Event) { e.Origin = o } }

func values(texts ...string) func(*change.Event) {
	return func(e *change.Event) {
		e.Row = nil
		for _, text := range texts {
			e.Row = change.AppendValue(e.Row, []byte(text))
		}
	}
}

// follow plans and publishes batches one after the other, and returns the last plan and the catalog
// after it.
func follow(t *testing.T, batches ...[]change.Event) (*plan.Plan, *catalog.Snapshot) {
	t.Helper()
	store := catalog.NewStore()
	var last *plan.Plan
	for _, events := range batches {
		last = plan.Make("sensor", events, store.Snapshot())
		for _, d := range last.Deltas {
			store.Publish(d.After)
		}
	}
	return last, store.Snapshot()
}

// describe returns a table's columns as "stored type", the key, and the years.
func describe(t *catalog.Table) string {
	if t == nil {
		return "none"
	}
	var parts []string
	for _, c := range t.Columns {
		parts = append(parts, string(c.Stored)+" "+c.Type.String())
	}
	return fmt.Sprintf("%s key %q years %v", strings.Join(parts, ", "), t.KeyNames(), t.Years)
}

func TestTablesFollowTheEvents(t *testing.T) {
	for name, test := range map[string]struct {
		batch []change.Event
		want  string
	}{
		"new table":               {[]change.Event{row(patron, "id integer", "name text")}, `id integer, name text key ["id"] years [2026]`},
		"new column":              {[]change.Event{row(patron, "id integer"), row(patron, "id integer", "name text")}, `id integer, name text key ["id"] years [2026]`},
		"missing column stays":    {[]change.Event{row(patron, "id integer", "name text"), row(patron, "id integer")}, `id integer, name text key ["id"] years [2026]`},
		"widening":                {[]change.Event{row(patron, "id smallint"), row(patron, "id bigint"), row(patron, "id integer")}, `id bigint key ["id"] years [2026]`},
		"case tells columns":      {[]change.Event{row(patron, "id integer", "Id text", "ID text")}, `id integer, Id text, ID text key ["id"] years [2026]`},
		"metadata names":          {[]change.Event{row(patron, "__id integer", "__start text")}, `__id_ integer, __start_ text key ["__id"] years [2026]`},
		"metadata name gives way": {[]change.Event{row(patron, "__id integer", "__id_ text")}, `__id__ integer, __id_ text key ["__id"] years [2026]`},
		"metadata name was first": {[]change.Event{row(patron, "__id integer"), row(patron, "__id integer", "__id_ text")}, `__id_ integer, __id__ text key ["__id"] years [2026]`},
		"delete creates nothing":  {[]change.Event{with(row(patron, "id integer"), op(change.Delete))}, "none"},
		"truncate creates nothing": {
			[]change.Event{with(row(patron, "id integer"), op(change.Truncate))},
			"none",
		},
		"ignored and rejected": {[]change.Event{with(row(patron, "id integer"), op(change.Ignore)), with(row(patron, "id integer"), op(change.Reject))}, "none"},
		"delete widens the key": {
			[]change.Event{row(patron, "id integer"), with(row(patron, "id bigint"), op(change.Delete))},
			`id bigint key ["id"] years [2026]`,
		},
		"composite key":  {[]change.Event{with(row(patron, "a integer", "b integer"), key(1, 0))}, `a integer, b integer key ["b" "a"] years [2026]`},
		"years in order": {[]change.Event{with(row(patron, "id integer"), func(e *change.Event) { e.Time = at(2027) }), row(patron, "id integer")}, `id integer key ["id"] years [2026 2027]`},
		"year of 1970":   {[]change.Event{with(row(patron, "id integer"), func(e *change.Event) { e.Time = 0 })}, `id integer key ["id"] years [1970]`},
		"uuid stays":     {[]change.Event{row(patron, "id uuid"), with(row(patron, "id text"), values("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"))}, `id uuid key ["id"] years [2026]`},
		"uuid becomes text": {
			[]change.Event{row(patron, "id uuid"), with(row(patron, "id text"), values("A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11"))},
			`id text key ["id"] years [2026]`,
		},
		"uuid stays with null": {[]change.Event{row(patron, "id uuid"), row(patron, "id text")}, `id uuid key ["id"] years [2026]`},
		"old key is no uuid": {
			[]change.Event{row(patron, "id uuid"), with(row(patron, "id text"), func(e *change.Event) { e.OldKey = change.AppendValue(nil, []byte("x")) })},
			`id text key ["id"] years [2026]`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			p, snap := follow(t, test.batch)
			if got := describe(snap.Table(patron)); got != test.want {
				t.Errorf("one batch: got %s, want %s", got, test.want)
			}
			if len(p.Refused) > 0 {
				t.Errorf("refused: %v", p.Refused)
			}
			// The same events, one in each batch.
			var single [][]change.Event
			for _, e := range test.batch {
				single = append(single, []change.Event{e})
			}
			_, snap = follow(t, single...)
			if got := describe(snap.Table(patron)); got != test.want {
				t.Errorf("single events: got %s, want %s", got, test.want)
			}
		})
	}
}

func TestStepsAreInTheOrderOfTheEvents(t *testing.T) {
	p, _ := follow(t, []change.Event{
		row(patron, "id smallint", "v real"),
		row(loan, "id integer"),
		row(patron, "id integer", "v double precision"),
		row(patron, "id integer", "v text", "w integer"),
		row(patron, "id bigint", "v text", "w text"),
	})
	want := []plan.TypeStep{
		{Event: 2, Column: 0, From: change.SmallInt, To: change.Integer},
		{Event: 2, Column: 1, From: change.Real, To: change.Double},
		{Event: 3, Column: 1, From: change.Double, To: change.Text},
		{Event: 4, Column: 0, From: change.Integer, To: change.BigInt},
		{Event: 4, Column: 2, From: change.Integer, To: change.Text},
	}
	if got := p.Deltas[0].Steps; fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if p.Deltas[0].After.Name != patron || p.Deltas[1].After.Name != loan {
		t.Error("the tables are not in the order in which the batch names them")
	}
}

func TestNothingChanges(t *testing.T) {
	events := []change.Event{row(patron, "id integer"), with(row(patron, "id integer"), op(change.Delete)), with(row(patron, "id integer"), op(change.Truncate))}
	p, snap := follow(t, events, events)
	if len(p.Deltas) != 1 || !p.Deltas[0].IsEmpty() || p.Deltas[0].After != snap.Table(patron) {
		t.Errorf("got %+v", p.Deltas)
	}
}

func TestKeyChange(t *testing.T) {
	before := []change.Event{row(patron, "id integer", "code text")}
	p, _ := follow(t, before, []change.Event{with(before[0], key(1)), with(before[0], key(1))})
	if !p.Deltas[0].KeyChanged || fmt.Sprint(p.Deltas[0].After.Key) != "[1]" {
		t.Errorf("got %+v", p.Deltas[0])
	}
	if len(p.Warnings) != 1 || !strings.Contains(p.Warnings[0], "identified by (code), before by (id)") {
		t.Errorf("warnings: %q", p.Warnings)
	}
	two := []change.Event{with(before[0], key(0, 1))}
	p, _ = follow(t, two, []change.Event{with(before[0], key(1, 0))})
	if !p.Deltas[0].IsEmpty() {
		t.Error("another order of the same key counts as a change")
	}
}

func TestManyColumnsAtOnce(t *testing.T) {
	columns := []string{"id integer"}
	for i := range 300 {
		columns = append(columns, fmt.Sprintf("c%d text", i))
	}
	_, snap := follow(t, []change.Event{row(patron, "id integer"), row(patron, columns...)})
	for i, c := range snap.Table(patron).Columns {
		if name, _, _ := strings.Cut(columns[i], " "); c.Name != name {
			t.Fatalf("column %d is %s, want %s", i, c.Name, name)
		}
	}
}
