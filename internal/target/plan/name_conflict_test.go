package plan_test

import (
	"fmt"
	"strings"
	"testing"

	"metadb/internal/change"
	"metadb/internal/target/catalog"
	"metadb/internal/target/plan"
)

func in(schema, name string) change.Table { return change.Table{Schema: schema, Name: name} }

// TestRefused applies batches in which only the last event is refused.
func TestRefused(t *testing.T) {
	patronRow := row(patron, "id integer")
	for name, test := range map[string]struct {
		events []change.Event
		reason string
	}{
		"schema metadb":           {[]change.Event{row(in("metadb", "log"), "id integer")}, "reserved"},
		"schema pg_":              {[]change.Event{row(in("pg_x", "a"), "id integer")}, "reserved"},
		"information_schema":      {[]change.Event{row(in("information_schema", "a"), "id integer")}, "reserved"},
		"delete from reserved":    {[]change.Event{with(row(in("metadb", "log"), "id integer"), op(change.Delete))}, "reserved"},
		"empty schema":            {[]change.Event{row(in("", "a"), "id integer")}, "schema is empty"},
		"empty table":             {[]change.Event{row(in("library", ""), "id integer")}, "table is empty"},
		"zero byte":               {[]change.Event{row(in("library", "a\x00"), "id integer")}, "zero byte"},
		"invalid UTF-8":           {[]change.Event{row(in("library", "a\xff"), "id integer")}, "UTF-8"},
		"empty column":            {[]change.Event{patronRow, row(patron, "id integer", " text")}, "column is empty"},
		"no key":                  {[]change.Event{with(patronRow, key())}, "no field of the record's key"},
		"key too long":            {[]change.Event{wide(32)}, "key has 32 columns"},
		"columns too many":        {[]change.Event{with(wide(1591), key(0))}, "would have 1591 columns, the limit is 1590"},
		"one column too many":     {[]change.Event{with(wide(1590), key(0)), with(row(patron, "c0 integer", "x text"), key(0))}, "would have 1591 columns"},
		"second source table":     {[]change.Event{patronRow, with(patronRow, from("other", "patron"))}, "fed by library.patron already"},
		"delete of second table":  {[]change.Event{patronRow, with(patronRow, from("other", "patron"), op(change.Delete))}, "fed by"},
		"unknown key in a delete": {[]change.Event{patronRow, with(row(patron, "code text"), op(change.Delete))}, "column code is not known"},
		"table is a main table":   {[]change.Event{patronRow, row(in("library", "patron__"), "id integer")}, "belongs to table library.patron"},
		"main table is a table":   {[]change.Event{row(in("library", "patron__"), "id integer"), patronRow}, "belongs to table library.patron__"},
		"table is a history":      {[]change.Event{patronRow, row(in("library", "zzz___patron___"), "id integer")}, "belongs to"},
		"table is a year":         {[]change.Event{patronRow, row(in("library", "zzz___patron___2099"), "id integer")}, "belongs to"},
		"year is a table":         {[]change.Event{row(in("library", "zzz___patron___2099"), "id integer"), patronRow}, "belongs to"},
	} {
		t.Run(name, func(t *testing.T) {
			p := plan.Make("sensor", test.events, nil)
			last := len(test.events) - 1
			if len(p.Refused) != 1 || !strings.Contains(p.Refused[last], test.reason) {
				t.Errorf("got %v, want %q for event %d", p.Refused, test.reason, last)
			}
			if len(p.Refusals) != 1 || !strings.Contains(p.Refusals[0], test.reason) {
				t.Errorf("refusals: %q", p.Refusals)
			}
			if len(p.Deltas) != last {
				t.Errorf("got %d deltas", len(p.Deltas))
			}
		})
	}
}

// wide returns an upsert with a key of n columns.
func wide(n int) change.Event {
	var columns []string
	var all []int
	for i := range n {
		columns, all = append(columns, fmt.Sprintf("c%d integer", i)), append(all, i)
	}
	return with(row(patron, columns...), key(all...))
}

func TestOtherDataSource(t *testing.T) {
	_, snap := follow(t, []change.Event{row(patron, "id integer")})
	p := plan.Make("other", []change.Event{row(patron, "id integer")}, snap)
	if !strings.Contains(p.Refused[0], `belongs to data source "sensor"`) || len(p.Deltas) != 0 {
		t.Errorf("got %v", p.Refused)
	}
}

// TestDroppedDataSource gives the table of a dropped source to the first source that writes rows
// into it, and then to no other.
func TestDroppedDataSource(t *testing.T) {
	_, snap := follow(t, []change.Event{row(patron, "id integer")})
	orphan := snap.Table(patron).Clone()
	orphan.Source = ""
	store := catalog.NewStore()
	store.Publish(orphan)
	if p := plan.Make("other", []change.Event{with(row(patron, "id integer"), op(change.Delete))}, store.Snapshot()); !p.Deltas[0].IsEmpty() {
		t.Errorf("a delete takes the table over: %+v", p.Deltas[0])
	}
	p := plan.Make("other", []change.Event{row(patron, "id integer")}, store.Snapshot())
	if len(p.Refused) > 0 || p.Deltas[0].IsEmpty() || p.Deltas[0].After.Source != "other" {
		t.Fatalf("refused %v, delta %+v", p.Refused, p.Deltas[0])
	}
	store.Publish(p.Deltas[0].After)
	if p := plan.Make("sensor", []change.Event{row(patron, "id integer")}, store.Snapshot()); len(p.Refused) != 1 {
		t.Errorf("taken over twice")
	}
}

// TestOriginsShareATable gives each origin a source table of its own.
func TestOriginsShareATable(t *testing.T) {
	east := with(row(patron, "id integer"), from("east_library", "patron"), origin("east"))
	p, snap := follow(t, []change.Event{row(patron, "id integer")}, []change.Event{east, east})
	if len(p.Refused) > 0 || !p.Deltas[0].NewFeed {
		t.Errorf("refused %v, delta %+v", p.Refused, p.Deltas[0])
	}
	want := map[change.Origin]change.Table{"": patron, "east": in("east_library", "patron")}
	if got := snap.Table(patron).Feeds; fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("feeds: got %v", got)
	}
}

// TestRefusedEventChangesNothing leaves the changes that a refused event would need out of the
// plan.
func TestRefusedEventChangesNothing(t *testing.T) {
	bad := row(patron, "id text", "name text", " text")
	p, snap := follow(t, []change.Event{row(patron, "id integer")}, []change.Event{bad, with(row(patron, "id integer"), op(change.Truncate))})
	if len(p.Deltas) != 1 || !p.Deltas[0].IsEmpty() {
		t.Errorf("got %+v", p.Deltas)
	}
	if got := describe(snap.Table(patron)); got != `id integer key ["id"] years [2026]` {
		t.Errorf("got %s", got)
	}
	p, _ = follow(t, []change.Event{bad, with(row(patron, "id integer"), op(change.Truncate))})
	if len(p.Deltas) != 0 {
		t.Errorf("a table came out of a refused event: %+v", p.Deltas)
	}
}

func TestShortenedNamesAreWarnedAbout(t *testing.T) {
	p, _ := follow(t, []change.Event{row(in("library", strings.Repeat("x", 62)), "id integer")})
	if len(p.Warnings) != 1 || !strings.Contains(p.Warnings[0], "shortened") {
		t.Errorf("warnings: %q", p.Warnings)
	}
}
