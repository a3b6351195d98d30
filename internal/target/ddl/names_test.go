package ddl_test

import (
	"flag"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"pgregory.net/rapid"

	"metadb/internal/change"
	"metadb/internal/target/catalog"
	"metadb/internal/target/ddl"
	"metadb/internal/target/plan"
)

// TestHostileNames creates, changes and loads tables with arbitrary names.
func TestHostileNames(t *testing.T) {
	long := strings.Repeat("größe", 20)
	names := []string{
		"Order", "order", "select", `say "hi"`, "it's", "a.b", " ", "tab\there", "new\nline", "größe 尺寸", "$1", "%s", `back\slash`,
		"; DROP TABLE x; --", "zzz___x", "x__", "100%", long, long + "!", "🦉", "__id", "public", "2026", "x_2026",
	}
	b := newBench(t)
	for _, name := range names {
		columns := []change.Column{column("id", change.Integer)}
		for _, other := range names {
			columns = append(columns, column(other, change.Text), column(other+"_", change.UUID))
		}
		table := change.Table{Schema: name, Name: name}
		b.apply(upsert(table, 2026, column("id", change.Integer)), upsert(table, 2027, columns...))
		b.apply(withKey(upsert(table, 2026, columns...), 0, 1))
	}
	b.checkLoaded()
}

// TestLoadedEqualsPublished is the property behind every restart. Tables take
// their time: a few streams of events in each run have to do.
func TestLoadedEqualsPublished(t *testing.T) {
	checks := flag.Lookup("rapid.checks")
	usual := checks.Value.String()
	if err := checks.Value.Set("15"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := checks.Value.Set(usual); err != nil {
			t.Error(err)
		}
	})
	b := newBench(t)
	name := rapid.OneOf(
		rapid.SampledFrom([]string{"a", "A", "a__", "zzz___a___", "zzz___a___2026", "__id", "__id_", `"`, "'", "a b", "ä", strings.Repeat("ä", 40)}),
		rapid.StringN(1, 40, 80),
	)
	kind := rapid.Custom(func(t *rapid.T) change.Type {
		return change.Type(rapid.IntRange(1, change.TypeCount-1).Draw(t, "type"))
	})
	event := rapid.Custom(func(t *rapid.T) change.Event {
		names := rapid.SliceOfNDistinct(name, 1, 6, rapid.ID).Draw(t, "columns")
		columns := make([]change.Column, len(names))
		for i, n := range names {
			columns[i] = column(n, kind.Draw(t, "type"))
		}
		table := change.Table{Schema: rapid.SampledFrom([]string{"s", "S", "s t"}).Draw(t, "schema"), Name: name.Draw(t, "table")}
		e := upsert(table, rapid.IntRange(1970, 2030).Draw(t, "year"), columns...)
		e.Origin = change.Origin(rapid.SampledFrom([]string{"", "east"}).Draw(t, "origin"))
		return withKey(e, rapid.SliceOfNDistinct(rapid.IntRange(0, len(names)-1), 1, len(names), rapid.ID).Draw(t, "key")...)
	})
	rapid.Check(t, func(t *rapid.T) {
		tx, err := b.conn.Begin(b.t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := tx.Rollback(b.t.Context()); err != nil {
				t.Error(err)
			}
		}()
		published, loaded := catalog.NewStore(), catalog.NewStore()
		for range rapid.IntRange(1, 4).Draw(t, "batches") {
			p := plan.Make("sensor", rapid.SliceOfN(event, 1, 4).Draw(t, "events"), published.Snapshot())
			execute(t, b, tx, p, published)
		}
		if err := loaded.Load(b.t.Context(), tx); err != nil {
			t.Fatal(err)
		}
		want, got := slices.Collect(published.Snapshot().All()), slices.Collect(loaded.Snapshot().All())
		compare(t, want, got)
	})
}

func execute(t *rapid.T, b *bench, tx pgx.Tx, p *plan.Plan, published *catalog.Store) {
	for _, d := range p.Deltas {
		table, err := ddl.Execute(b.t.Context(), tx, d, quiet())
		if err != nil {
			t.Fatalf("%s: %v", d.After.Name, err)
		}
		published.Publish(table)
	}
}

func compare(t *rapid.T, want, got []*catalog.Table) {
	if len(want) != len(got) {
		t.Fatalf("loaded %d tables, published %d", len(got), len(want))
	}
	for i := range want {
		if !reflect.DeepEqual(want[i], got[i]) {
			t.Errorf("loaded\n%+v\npublished\n%+v", got[i], want[i])
		}
	}
}
