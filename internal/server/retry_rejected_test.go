package server

import (
	"fmt"
	"testing"

	"metadb/internal/testkit/eventgen"
)

// feedOf is newFeed for another table.
func feedOf(t *testing.T, table eventgen.Table) *feed {
	t.Helper()
	f := newFeed(t)
	var err error
	table.Prefix = "sensor"
	if f.encoder, err = eventgen.NewEncoder(table); err != nil {
		t.Fatal(err)
	}
	return f
}

// awaitStatus waits until list status shows a number of rejected events.
func (r *running) awaitStatus(t *testing.T, rejected string) {
	t.Helper()
	r.await(t, "count rejected events", func() error {
		rows := r.admin(t, "list status")
		if len(rows) != 1 || rows[0][7] != rejected {
			return fmt.Errorf("list status: %v", rows)
		}
		return nil
	})
}

// TestRetry declares an origin for a schema that was rejected until then, which takes effect at
// once. Rejected events are retried while the stream runs, and are ordered before later events.
func TestRetry(t *testing.T) {
	i := install(t)
	f := feedOf(t, eventgen.Table{
		Schema: "pg_east", Name: "patron", Key: []int{0},
		Columns: []eventgen.Column{{Name: "id", Kind: eventgen.Integer}, {Name: "name", Kind: eventgen.Text}},
	})
	r := i.start(t)
	r.admin(t, f.source())
	f.change('c', 1, "Ada", "")
	f.change('u', 1, "Eve", "")
	f.change('c', 2, "Bob", "")
	r.awaitStatus(t, "3")
	r.admin(t, "retry rejected events for data source sensor")
	r.awaitStatus(t, "3")
	r.awaitText(t, "SELECT DISTINCT reason FROM metadb.rejected_event", "schema pg_east is reserved")

	const refusal = "not applied: table pg_east.patron: schema pg_east is reserved"
	if got := r.admin(t, "list status")[0][8]; got != refusal {
		t.Errorf("list status says %q, want %q", got, refusal)
	}
	r.admin(t, "create data origin pg")
	f.change('u', 1, "Zoe", "")
	const history = `SELECT string_agg(__origin || ' ' || id || '=' || name || ' ' || extract(second FROM __start)::int ||
		CASE WHEN __current THEN '' ELSE '-' || extract(second FROM __end)::int END, ', ' ORDER BY id, __start) FROM east.patron__`
	r.awaitText(t, history, "pg 1=Zoe 32")
	r.admin(t, "retry rejected events for data source sensor")
	r.awaitText(t, history, "pg 1=Ada 8-16, pg 1=Eve 16-32, pg 1=Zoe 32, pg 2=Bob 24")
	r.awaitStatus(t, "0")
	if got := r.admin(t, "list status")[0][8]; got != "" {
		t.Errorf("list status still says %q", got)
	}
	f.change('u', 2, "Bill", "")
	r.awaitText(t, history, "pg 1=Ada 8-16, pg 1=Eve 16-32, pg 1=Zoe 32, pg 2=Bob 24-40, pg 2=Bill 40")

	r.admin(t, "drop data origin pg")
	f.change('u', 2, "Will", "")
	r.awaitStatus(t, "1")
	r.admin(t, "purge rejected events for data source sensor")
	r.awaitStatus(t, "0")
	r.awaitText(t, history, "pg 1=Ada 8-16, pg 1=Eve 16-32, pg 1=Zoe 32, pg 2=Bob 24-40, pg 2=Bill 40")
	for _, line := range []string{"0 rejected events of %s applied, 3 set aside again", "3 rejected events of %s applied, 0 set aside again", "1 rejected event of %s purged"} {
		r.awaitLog(t, fmt.Sprintf(line, `data source "sensor"`)+"\n")
	}
}

// TestRefreshTypes checks that types are inferred while the stream runs, which then uses the new
// types.
func TestRefreshTypes(t *testing.T) {
	i, f := install(t), newFeed(t)
	r := i.start(t)
	r.admin(t, f.source())
	f.change('c', 1, "0fc5b4ba-5a0b-4b0e-8f57-3f0ab94d6e53", "")
	r.awaitText(t, "SELECT count(*)::text FROM library.patron", "1")
	r.admin(t, "refresh inferred column types")
	const typed = "SELECT format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = 'library.patron__'::regclass AND attname = 'name'"
	r.awaitText(t, typed, "uuid")
	f.change('u', 1, "8f4b0f4e-0f0f-4f7a-9a3c-0d8e0a3f8a11", "")
	r.awaitText(t, versions, "2")
	r.awaitText(t, typed, "uuid")
	f.change('u', 1, "Ada", "")
	r.awaitText(t, versions, "3")
	r.awaitText(t, typed, "text")
	r.admin(t, "refresh inferred column types")
	r.awaitText(t, typed, "text")
}
