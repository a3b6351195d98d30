package server

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"metadb/internal/client"
	"metadb/internal/testkit/eventgen"
)

// alter changes the columns of the feed's table.
func (f *feed) alter(columns ...eventgen.Column) {
	f.t.Helper()
	table := f.encoder.Table()
	table.Columns = columns
	encoder, err := eventgen.NewEncoder(table)
	if err != nil {
		f.t.Fatal(err)
	}
	f.encoder = encoder
}

// row writes a change of a whole row.
func (f *feed) row(op byte, snapshot string, values ...any) {
	f.t.Helper()
	f.lsn += 8
	change := eventgen.Change{
		Op: op, Row: values, LSN: f.lsn, TxID: int64(f.lsn), Snapshot: snapshot, Time: time.Date(2026, 3, 1, 0, 0, int(f.lsn), 0, time.UTC),
	}
	if snapshot == "incremental" {
		change.LSN = 0
	}
	record, err := f.encoder.Encode(change)
	if err != nil {
		f.t.Fatal(err)
	}
	if err := f.producer.Write(f.t.Context(), record); err != nil {
		f.t.Fatal(err)
	}
}

// awaitMessage waits until "list status" contains a text or, if want is false, does not contain
// it.
func (r *running) awaitMessage(t *testing.T, text string, want bool) {
	t.Helper()
	r.await(t, fmt.Sprintf("list status: %q %v", text, want), func() error {
		message := r.admin(t, "list status")[0][8]
		if strings.Contains(message, text) != want {
			return fmt.Errorf("message: %s", message)
		}
		return nil
	})
}

// TestTableNeedsReadingAgain checks that the status shows a column that is new with a default, or
// that only snapshots have, until the table has been read again, also after a restart.
func TestTableNeedsReadingAgain(t *testing.T) {
	i, f := install(t), newFeed(t)
	id, name := eventgen.Column{Name: "id", Kind: eventgen.Integer}, eventgen.Column{Name: "name", Kind: eventgen.Text}
	twice := eventgen.Column{Name: "twice", Kind: eventgen.Integer}
	r := i.start(t)
	r.admin(t, f.source())
	f.alter(id, name, twice)
	f.row('r', "first", int64(1), "a", int64(2))
	f.row('r', "last", int64(2), "b", int64(4))
	f.alter(id, name)
	f.row('u', "", int64(1), "a2")
	r.awaitText(t, current, "1=a2 2=b")
	r.awaitMessage(t, "column.exclude.list=library.patron.twice", true)
	r.awaitMessage(t, "needs reading again", false)
	r.admin(t, "endsync data source sensor with (force_unconfirmed)")

	f.alter(id, name, eventgen.Column{Name: "budget", Kind: eventgen.Integer, Default: "100"})
	f.row('u', "", int64(1), "a3", int64(100))
	const commands = "sync table library.patron__; then an incremental snapshot of library.patron; then endsync table library.patron__;"
	const reason = "library.patron: column budget is new; rows that have not changed since have NULL in it: " + commands
	r.awaitMessage(t, "needs reading again: "+reason, true)
	r.awaitText(t, current, "1=a3 2=b")
	r.awaitLog(t, "table library.patron: column budget is new; rows that have not changed since have NULL in it. To read them: "+commands)
	r.stop(t)
	r = i.start(t)
	r.awaitMessage(t, "needs reading again: "+reason, true)
	if o := r.overview(t); o.IsHealthy() || !slices.Equal(o.Sources[0].Outdated, []string{"library.patron"}) {
		t.Errorf("metadb status: %v, all well: %v", o.Sources[0].Outdated, o.IsHealthy())
	}

	r.admin(t, "sync table library.patron__")
	f.row('r', "incremental", int64(1), "a3", int64(100))
	f.row('r', "incremental", int64(2), "b", int64(100))
	r.awaitText(t, "SELECT string_agg(id || '=' || budget, ' ' ORDER BY id) FROM library.patron", "1=100 2=100")
	r.admin(t, "endsync table library.patron__ with (force_unconfirmed)")
	r.awaitMessage(t, "needs reading again", false)
	if o := r.overview(t); !o.IsHealthy() || len(o.Sources[0].Outdated) > 0 {
		t.Errorf("metadb status: %v, all well: %v", o.Sources[0].Outdated, o.IsHealthy())
	}
	r.awaitMessage(t, "column.exclude.list=library.patron.twice", true)
}

// overview returns the data of "metadb status".
func (r *running) overview(t *testing.T) *client.Overview {
	t.Helper()
	client, err := client.Dial(t.Context(), r.dir)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close(t.Context())
	o, err := client.Overview(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return o
}
