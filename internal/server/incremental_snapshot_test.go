package server

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"metadb/internal/testkit/eventgen"
)

// TestSyncDuringIncrementalSnapshot checks that "sync table" warns if an incremental snapshot of
// the table may be under way.
func TestSyncDuringIncrementalSnapshot(t *testing.T) {
	i, f := install(t), newFeed(t)
	r := i.start(t)
	r.admin(t, f.source())
	f.change('r', 1, "a", "last")
	r.awaitText(t, current, "1=a")
	r.admin(t, "endsync data source sensor with (force_unconfirmed)")
	said := func() string {
		config, err := pgx.ParseConfig(fmt.Sprintf("host=127.0.0.1 port=%d dbname=metadb user=mdbadmin password=secret sslmode=disable", r.port))
		if err != nil {
			t.Fatal(err)
		}
		var notices strings.Builder
		config.OnNotice = func(_ *pgconn.PgConn, n *pgconn.Notice) { notices.WriteString(n.Message) }
		conn, err := pgx.ConnectConfig(t.Context(), config)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := conn.PgConn().Exec(t.Context(), "sync table library.patron__ with (restart)").ReadAll(); err != nil {
			t.Fatal(err)
		}
		if err := conn.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		return notices.String()
	}
	const warning = "an incremental snapshot of table library.patron may be under way"
	if got := said(); strings.Contains(got, warning) {
		t.Errorf("without one: %q", got)
	}
	f.change('r', 1, "b", "incremental")
	r.awaitText(t, current, "1=b")
	if got := said(); !strings.Contains(got, warning) {
		t.Errorf("got %q", got)
	}
}

// TestEndOfIncrementalSnapshot checks that the notification of a complete snapshot counts if that
// of its begin came after the begin of the synchronization, also after a restart of the server.
func TestEndOfIncrementalSnapshot(t *testing.T) {
	i, f := install(t), newFeed(t)
	r := i.start(t)
	r.admin(t, f.source())
	f.change('r', 1, "a", "last")
	r.awaitText(t, current, "1=a")
	r.admin(t, "endsync data source sensor with (force_unconfirmed)")
	const began, ended = `"STARTED","additional_data":{"data_collections":"library.patron"}`,
		`"TABLE_SCAN_COMPLETED","additional_data":{"scanned_collection":"library.patron","data_collections":"library.patron","status":"SUCCEEDED"}`
	at := 0
	notify := func(id, said string) {
		t.Helper()
		at++
		const value = `{"schema":{"type":"struct","fields":[],"optional":false,"name":"io.debezium.connector.common.Notification"},` +
			`"payload":{"id":"%s","aggregate_type":"Incremental Snapshot","timestamp":%d,"type":%s}}`
		record := eventgen.Record{Topic: "sensor.notifications", Time: time.Now(), Value: fmt.Appendf(nil, value, id, at, said)}
		if err := f.producer.Write(t.Context(), record); err != nil {
			t.Fatal(err)
		}
	}
	notify("one", began) // the topic is new, and may still be unread
	f.change('r', 1, "b", "incremental")
	r.awaitText(t, current, "1=b")
	r.admin(t, "sync table library.patron__")

	f.change('r', 2, "b", "incremental")
	notify("one", ended)
	r.await(t, "say that the end does not count", func() error {
		return r.logged("table library.patron: a notification that a snapshot is complete does not count")
	})
	const known = "SELECT notified || ' ' || (incremental_begun > 'epoch') FROM metadb.resync WHERE table_name = 'patron'"
	r.awaitText(t, known, "false false")
	notify("two", began)
	r.awaitText(t, known, "false true")
	r.stop(t)
	r = i.start(t)
	f.change('r', 1, "b", "incremental")
	notify("two", ended)
	r.awaitText(t, known, "true true")
}
