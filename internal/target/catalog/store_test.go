package catalog

import (
	"slices"
	"sync"
	"testing"

	"metadb/internal/change"
	"metadb/internal/ident"
)

func named(schema, name string, years ...int) *Table {
	t := NewTable(change.Table{Schema: schema, Name: name}, "sensor")
	t.Years = years
	return t
}

func list(s *Snapshot) []string {
	var names []string
	for t := range s.All() {
		names = append(names, t.Name.String())
	}
	return names
}

func TestPublishKeepsEarlierSnapshots(t *testing.T) {
	store := NewStore()
	if store.Snapshot().Table(change.Table{}) != nil || list(store.Snapshot()) != nil {
		t.Error("a new store has tables")
	}
	a, b := named("s", "b", 2026), named("s", "a")
	store.Publish(a, b)
	before := store.Snapshot()
	replaced := a.Clone()
	replaced.Years = []int{2025}
	store.Publish(replaced)
	store.Forget(b.Name, change.Table{Schema: "s", Name: "never was"})

	if got := list(before); !slices.Equal(got, []string{"s.a", "s.b"}) || before.Table(a.Name) != a {
		t.Errorf("the earlier snapshot has changed: %v", got)
	}
	after := store.Snapshot()
	if got := list(after); !slices.Equal(got, []string{"s.b"}) || after.Table(a.Name) != replaced {
		t.Errorf("got %v", got)
	}
	for relation, want := range map[ident.Name]*Table{
		"b": replaced, "b__": replaced, "zzz___b___2025": replaced, "zzz___b___2026": nil, "a": nil, "zzz___a___sync": nil,
	} {
		if got := after.Owner(ident.Qualified{Schema: "s", Name: relation}); got != want {
			t.Errorf("owner of %s: got %v", relation, got)
		}
	}
}

func TestCloneSharesNothing(t *testing.T) {
	a := named("s", "a", 2026)
	a.Columns = []Column{{Column: change.Column{Name: "id", Type: change.Integer}, Stored: "id"}}
	a.Key, a.Feeds[""] = []int{0}, a.Name
	c := a.Clone()
	c.Columns[0].Type, c.Key[0], c.Years[0], c.Feeds["east"] = change.Text, 7, 1999, c.Name
	if a.Columns[0].Type != change.Integer || a.Key[0] != 0 || a.Years[0] != 2026 || len(a.Feeds) != 1 {
		t.Errorf("the original has changed: %+v", a)
	}
}

func TestConcurrentPublications(t *testing.T) {
	store := NewStore()
	var writers sync.WaitGroup
	for i := range 20 {
		writers.Go(func() { store.Publish(named("s", string(rune('a'+i)))) })
	}
	writers.Wait()
	if got := len(list(store.Snapshot())); got != 20 {
		t.Errorf("%d of 20 publications are there", got)
	}
}
