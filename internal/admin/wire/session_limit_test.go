package wire_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgproto3"
)

// TestRowLimit executes portals with row limits, and describes and closes them: a command answers
// like a query with as many rows.
func TestRowLimit(t *testing.T) {
	t.Parallel()
	p := open(t, withSuper)
	through, direct := p.pair(t)
	all := describe{ObjectType: 'P', Name: "c"}
	tests := []messages{
		{&execute{Portal: "c", MaxRows: 2}, &execute{Portal: "c", MaxRows: 2}, &execute{Portal: "c", MaxRows: 1}, &execute{Portal: "c", MaxRows: configRows}, &execute{Portal: "c"}},
		{&execute{Portal: "c", MaxRows: 3}, &execute{Portal: "c", MaxRows: configRows - 3}, &execute{Portal: "c", MaxRows: 3}, &execute{Portal: "c", MaxRows: 3}},
		{&execute{Portal: "c", MaxRows: configRows}, &execute{Portal: "c"}},
		{&execute{Portal: "c", MaxRows: configRows + 1}, &execute{Portal: "c", MaxRows: configRows + 1}},
		{&all, &execute{Portal: "c", MaxRows: 4}, &all, &execute{Portal: "c"}, &all},
		{&execute{Portal: "c", MaxRows: 4}, &closing{ObjectType: 'P', Name: "c"}, &execute{Portal: "c"}},
		{&execute{Portal: "c", MaxRows: 4}, &syncing{}, &execute{Portal: "c"}},
	}
	for i, test := range tests {
		shape := func(w *rawClient, query string) string {
			return w.shape(t, append(append(messages{&parse{Query: query}, &bind{DestinationPortal: "c"}}, test...), &syncing{}))
		}
		got, want := shape(through, "list config"), shape(direct, "select 'parameter', 'value' from generate_series(1, "+strconv.Itoa(configRows)+")")
		if got != want {
			t.Errorf("%d:\n got %s\nwant %s", i, got, want)
		}
	}
	// A command without rows runs once.
	once := messages{
		&parse{Query: "create data origin once"}, &describe{ObjectType: 'S'}, &bind{DestinationPortal: "c"}, &all,
		&execute{Portal: "c"}, &execute{Portal: "c"}, &syncing{},
	}
	same := messages{
		&parse{Query: "create schema once"}, &describe{ObjectType: 'S'}, &bind{DestinationPortal: "c"}, &all,
		&execute{Portal: "c"}, &execute{Portal: "c"}, &syncing{},
	}
	got, want := through.shape(t, once), strings.Replace(direct.shape(t, same), "CREATE SCHEMA", "CREATE DATA ORIGIN", 1)
	if got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
}

// shape sends messages and returns the answers up to that to each Sync: types of messages, tags,
// and SQLSTATEs.
func (w *rawClient) shape(t *testing.T, send messages) string {
	t.Helper()
	w.say(t, send...)
	syncs := 0
	for _, m := range send {
		if _, ok := m.(*syncing); ok {
			syncs++
		}
	}
	var words []string
	frontend := pgproto3.NewFrontend(w.r, nil)
	for syncs > 0 {
		message, err := frontend.Receive()
		if err != nil {
			t.Fatal(err)
		}
		switch m := message.(type) {
		case *pgproto3.CommandComplete:
			words = append(words, string(m.CommandTag))
		case *failedWith:
			words = append(words, m.Code)
		case *ready:
			words = append(words, "ready "+string(m.TxStatus))
			syncs--
		case *pgproto3.RowDescription:
			words = append(words, fmt.Sprintf("%d columns", len(m.Fields)))
		default:
			words = append(words, strings.TrimPrefix(fmt.Sprintf("%T", m), "*pgproto3."))
		}
	}
	return strings.Join(words, ", ")
}
