package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"metadb/internal/testkit/eventgen"
	"metadb/internal/testkit/pace"
	"metadb/internal/testkit/pgtest"
	"metadb/internal/testkit/testbed"
)

// goesOn bounds the time from a start to the first applied event, also after a kill:
// docs/spec/05-command-line.md#start-and-stop.
const goesOn = 5 * time.Second

// install builds the program and makes an installation for it, with its own database.
func install(t *testing.T) (*pgtest.DB, *testbed.Metadb) {
	t.Helper()
	db := pgtest.New(t)
	return db, installOn(t, db)
}

// installOn makes an installation for an existing database.
func installOn(t *testing.T, db *pgtest.DB) *testbed.Metadb {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "metadb")
	if out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	m, err := testbed.Install(t.Context(), binary, t.TempDir(), db.Cluster, db.Name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			log, err := m.Log()
			t.Log(log, err)
		}
	})
	return m
}

// TestKill kills the server several times while events come, and compares the final versions with
// the events.
func TestKill(t *testing.T) {
	db, m := install(t)
	if err := m.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	numbers := newNumbers(t)
	if err := m.Exec(t.Context(), fmt.Sprintf(
		`create data source s type kafka options (brokers '%s', security 'plaintext', topics '^sensor\.', consumer_group 'g')`,
		numbers.broker.Address())); err != nil {
		t.Fatal(err)
	}
	numbers.send(t, 500)
	awaitVersions(t, db, numbers.sent, pace.Hang)
	for range 4 {
		// The kill comes at an arbitrary point of these events.
		numbers.send(t, 2000)
		kill(t, m)
		numbers.send(t, 100)
		if err := m.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		awaitVersions(t, db, numbers.sent, pace.Bound(goesOn))
	}
	// Each of the ten keys has every tenth number.
	const sql = `
SELECT count(*) FROM (SELECT id, n, lead(__start) OVER w AS next, __end, __current, row_number() OVER w AS place
  FROM library.number__ WINDOW w AS (PARTITION BY id ORDER BY n)) v
 WHERE n <> (place - 1) * 10 + id OR __end IS DISTINCT FROM coalesce(next, '9999-12-31Z') OR __current <> (next IS NULL)`
	var wrong int
	if err := db.Pool.QueryRow(t.Context(), sql).Scan(&wrong); err != nil || wrong != 0 {
		t.Errorf("%d wrong versions, %v", wrong, err)
	}
}

// numbers is a stream of updates of ten rows; each event has the next number.
type numbers struct {
	broker   *testbed.Broker
	producer *testbed.Producer
	encoder  *eventgen.Encoder
	sent     int
}

func newNumbers(t *testing.T) *numbers {
	t.Helper()
	broker, producer := testbed.StartBroker(t, 3)
	encoder, err := eventgen.NewEncoder(eventgen.Table{
		Prefix: "sensor", Schema: "library", Name: "number", Key: []int{0},
		Columns: []eventgen.Column{{Name: "id", Kind: eventgen.Integer}, {Name: "n", Kind: eventgen.Integer}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return &numbers{broker: broker, producer: producer, encoder: encoder}
}

// send writes count events and returns when the broker has them.
func (n *numbers) send(t *testing.T, count int) {
	t.Helper()
	records := make([]eventgen.Record, count)
	for i := range records {
		number := int64(n.sent + i)
		record, err := n.encoder.Encode(eventgen.Change{
			Op: 'u', Row: []any{number % 10, number}, LSN: uint64(number+1) * 8, TxID: number,
			Time: time.Date(2026, 3, 1, 0, 0, int(number), 0, time.UTC),
		})
		if err != nil {
			t.Fatal(err)
		}
		records[i] = record
	}
	if err := n.producer.Write(t.Context(), records...); err != nil {
		t.Fatal(err)
	}
	n.sent += count
}

// kill ends the server as kill -9 does.
func kill(t *testing.T, m *testbed.Metadb) {
	t.Helper()
	if err := syscall.Kill(pid(t, m), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
}

// pid returns the server's process id.
func pid(t *testing.T, m *testbed.Metadb) int {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(m.DataDir(), "metadb.pid"))
	if err != nil {
		t.Fatal(err)
	}
	number, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	return number
}

// awaitVersions waits until the table has the wanted number of versions.
func awaitVersions(t *testing.T, db *pgtest.DB, want int, limit time.Duration) {
	t.Helper()
	began := time.Now()
	err := testbed.Eventually(context.WithoutCancel(t.Context()), limit, "apply events", func() error {
		rows, err := db.Pool.Query(t.Context(), "SELECT count(*) FROM library.number__")
		if err != nil {
			return err
		}
		got, err := pgx.CollectExactlyOneRow(rows, pgx.RowTo[int])
		if err == nil && got != want {
			err = errors.New(strconv.Itoa(got) + " of " + strconv.Itoa(want))
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	t.Logf("%d versions after %s", want, time.Since(began).Round(time.Millisecond))
}
