package versions

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"metadb/internal/testkit/eventgen"
	"metadb/internal/testkit/pace"
	"metadb/internal/testkit/testbed"
)

// fillTimeout limits the time until the server has applied the written records.
const fillTimeout = pace.Hang

// databaseFiller fills the database of a server. It skips all steps after the first error.
type databaseFiller struct {
	m        *testbed.Metadb
	producer *testbed.Producer
	brokers  string
	err      error
}

// tableChange is a change of the table with a short name.
type tableChange struct {
	table  string
	change eventgen.Change
}

// snapshotRow returns a row of a snapshot.
func snapshotRow(row ...any) eventgen.Change {
	return eventgen.Change{Op: 'r', Snapshot: "true", Row: row}
}

// runStep runs a step, unless an earlier one has failed.
func (f *databaseFiller) runStep(step func() error) {
	if f.err == nil {
		f.err = step()
	}
}

// writeChanges writes the records of changes in their order.
func (f *databaseFiller) writeChanges(ctx context.Context, s *connectorStream, changes ...tableChange) {
	for _, c := range changes {
		f.runStep(func() error {
			record, err := s.encodeChange(c.table, c.change)
			if err != nil {
				return err
			}
			return f.producer.Write(ctx, record)
		})
	}
}

// awaitResult waits until a query of the database returns a text.
func (f *databaseFiller) awaitResult(ctx context.Context, query, want string) {
	f.runStep(func() error {
		conn, err := pgx.Connect(ctx, f.m.Database())
		if err != nil {
			return fmt.Errorf("connect to the database: %w", err)
		}
		defer func() { _ = conn.Close(ctx) }()
		return testbed.Eventually(ctx, fillTimeout, query, func() error {
			var got string
			if err := conn.QueryRow(ctx, query).Scan(&got); err != nil {
				return err
			}
			if got != want {
				return fmt.Errorf("got %s, want %s", got, want)
			}
			return nil
		})
	})
}

// awaitLog waits until the log contains a text.
func (f *databaseFiller) awaitLog(ctx context.Context, text string) {
	f.runStep(func() error { return f.m.AwaitLog(ctx, fillTimeout, 0, text) })
}

// runCommands runs commands on the administration port.
func (f *databaseFiller) runCommands(ctx context.Context, commands ...string) {
	for _, command := range commands {
		f.runStep(func() error { return f.m.Exec(ctx, command) })
	}
}

// createSource creates a data source that reads a connector's topics.
func (f *databaseFiller) createSource(ctx context.Context, name, prefix string) {
	f.runCommands(ctx, fmt.Sprintf(`create data source %s type kafka options (brokers '%s', security 'plaintext', topics '^%s\.', consumer_group '%[3]s')`,
		name, f.brokers, prefix))
}

// Fill has a running server apply the data set. At its end two resynchronizations are in
// progress: one of the source "sensor", of which the second connector has sent a part of its
// snapshot, and one of the table circulation.fee.
func Fill(ctx context.Context, m *testbed.Metadb, producer *testbed.Producer, brokers string) error {
	f := &databaseFiller{m: m, producer: producer, brokers: brokers}
	f.createUsers(ctx)
	f.writeFirstSnapshot(ctx)
	f.createMappings(ctx)
	f.writeYears(ctx)
	f.fillCirculation(ctx)
	f.fillAcquisition(ctx)
	f.resyncFromSecond(ctx)
	f.resyncFeeTable(ctx)
	return f.err
}

// createUsers creates users of each kind: one with access to everything, one that will be
// granted tables and a function, and two without grants. It also declares the origin.
func (f *databaseFiller) createUsers(ctx context.Context) {
	f.runCommands(ctx,
		"create user anna with password 'not a secret', comment 'Circulation reports'",
		"create user ben with password 'not a secret'",
		"create user carl with password 'not a secret'",
		`create user "Dora D." with password 'not a secret'`,
		"grant access on all to anna",
		"create data origin east",
		"alter system set snapshot_deadline = '4 hours'",
	)
}

// writeFirstSnapshot writes the snapshot of the first connector of "sensor".
func (f *databaseFiller) writeFirstSnapshot(ctx context.Context) {
	s := newConnectorStream(firstSensor, 1000).setTime(2024, 3, 1)
	for n := 1; n <= 6; n++ {
		f.writeChanges(ctx, s,
			tableChange{"patron", snapshotRow(int64(n), fmt.Sprintf("Patron %d", n), fmt.Sprintf("%d.50", n), s.time)},
			tableChange{"loan", snapshotRow(int64(n), itemID(n), s.time, int64(100+n))},
			tableChange{"note", snapshotRow(fmt.Sprintf("note-%d", n), fmt.Sprintf("Body %d", n))},
			tableChange{"item", snapshotRow(itemID(n), itemDocument(n, 1), "A")},
			tableChange{"east", snapshotRow(itemID(n), itemDocument(n, 1), "E")},
			tableChange{"order line", snapshotRow(int64(n)<<40, 0.1*float64(n))},
			tableChange{"long", snapshotRow(int64(n), n%2 == 0)})
	}
	f.writeChanges(ctx, s, tableChange{"patron", eventgen.Change{Op: 'r', Snapshot: "last", Row: []any{int64(7), "Patron 7", nil, nil}}})
	f.createSource(ctx, "sensor", firstSensor)
	f.awaitResult(ctx, "SELECT (SELECT count(*) FROM library.patron)::text || (SELECT count(*) FROM library.item)", "712")
	f.awaitLog(ctx, `source "sensor" snapshot complete`)
	f.runCommands(ctx, "endsync data source sensor")
}

// createMappings adds mappings of the items' documents, and grants access to existing objects.
func (f *databaseFiller) createMappings(ctx context.Context) {
	f.runCommands(ctx,
		"create data mapping for json from table library.item__ column doc path '$' to 't'",
		"create data mapping for json from table library.item__ column doc path '$.metadata' to 'metadata'",
		"create data mapping for json from table library.item__ column doc path '$.tags' to 'tags'",
		"refresh data mapping for table library.item__",
		"grant access on table library.patron__ to ben",
		"grant access on function public.mdblog(interval) to ben",
	)
}

// writeYears writes the changes of 2024, 2025 and 2026: versions in each year, a truncate, a
// delete, a row that comes back, and a change of key.
func (f *databaseFiller) writeYears(ctx context.Context) {
	s := newConnectorStream(firstSensor, 2000)
	patron := func(n int64, name string) []any { return []any{n, name, "-12.25", s.time} }
	for _, year := range []int{2024, 2025, 2026} {
		s.setTime(year, 5, 1)
		f.writeChanges(ctx, s,
			tableChange{"patron", eventgen.Change{Op: 'u', Row: patron(1, fmt.Sprintf("Patron 1 in %d", year))}},
			tableChange{"loan", eventgen.Change{Op: 'u', Row: []any{int64(2), itemID(2), s.time.AddDate(0, 1, 0), nil}}},
			tableChange{"item", eventgen.Change{Op: 'u', Row: []any{itemID(3), itemDocument(3, year), eventgen.Unavailable{}}}},
			tableChange{"east", eventgen.Change{Op: 'u', Row: []any{itemID(4), itemDocument(4, year), "E2"}}},
			tableChange{"order line", eventgen.Change{Op: 'u', Row: []any{int64(1) << 40, float64(year)}}})
	}
	f.writeChanges(ctx, s,
		tableChange{"note", eventgen.Change{Op: 't'}},
		tableChange{"note", eventgen.Change{Op: 'c', Row: []any{"note-9", "After the truncate"}}},
		tableChange{"patron", eventgen.Change{Op: 'd', Row: patron(2, "Patron 2")}},
		tableChange{"patron", eventgen.Change{Op: 'c', Row: patron(2, "Patron 2 again")}},
		tableChange{"patron", eventgen.Change{Op: 'd', Row: patron(7, "Patron 7"), NewKey: []any{int64(70)}}},
		tableChange{"patron", eventgen.Change{Op: 'c', Row: patron(70, "Patron 70"), OldKey: []any{int64(7)}}},
		tableChange{"item", eventgen.Change{Op: 'd', Row: []any{itemID(6), nil, nil}}})
	f.awaitResult(ctx, "SELECT count(*)::text FROM library.patron WHERE id = 70 OR name = 'Patron 2 again' OR name = 'Patron 1 in 2026'", "3")
	f.awaitResult(ctx, "SELECT string_agg(code, ',') FROM library.note", "note-9")
	f.awaitResult(ctx, "SELECT count(*)::text FROM library.item__t__ WHERE __current", "11")
}

// fillCirculation fills a source in normal operation.
func (f *databaseFiller) fillCirculation(ctx context.Context) {
	s := newConnectorStream(circulationPrefix, 3000).setTime(2025, 7, 1)
	for n := 1; n <= 5; n++ {
		row := eventgen.Change{Op: 'r', Snapshot: "true", Row: []any{int64(n), fmt.Sprintf("%d.00", n*10), []byte{0, byte(n), 255}}}
		if n == 5 {
			row.Snapshot = "last"
		}
		f.writeChanges(ctx, s, tableChange{"fee", row})
	}
	f.createSource(ctx, "circ", circulationPrefix)
	f.awaitLog(ctx, `source "circ" snapshot complete`)
	f.runCommands(ctx, "endsync data source circ", "grant access on table circulation.fee__ to ben")
	s.setTime(2026, 2, 1)
	f.writeChanges(ctx, s, tableChange{"fee", eventgen.Change{Op: 'u', Row: []any{int64(1), "11.000", []byte("paid")}}})
	f.awaitResult(ctx, "SELECT amount::text FROM circulation.fee WHERE id = 1", "11.000")
}

// fillAcquisition fills a source during its first snapshot, with records that are rejected: one
// that is no envelope, one that PostgreSQL can't store, and one that waits for the latter.
func (f *databaseFiller) fillAcquisition(ctx context.Context) {
	s := newConnectorStream(acquisitionPrefix, 4000).setTime(2026, 4, 1)
	f.writeChanges(ctx, s,
		tableChange{"invoice", eventgen.Change{Op: 'r', Snapshot: "first", Row: []any{int64(1), "Vendor 1"}}},
		tableChange{"invoice", eventgen.Change{Op: 'r', Snapshot: "true", Row: []any{int64(2), "Vendor 2"}}},
		tableChange{"invoice", eventgen.Change{Op: 'u', Row: []any{int64(1), "NUL: \x00"}}},
		tableChange{"invoice", eventgen.Change{Op: 'u', Row: []any{int64(1), eventgen.Unavailable{}}}},
		tableChange{"invoice", eventgen.Change{Op: 'c', Row: []any{int64(3), "Vendor 3"}}})
	f.runStep(func() error {
		return f.producer.Write(ctx, eventgen.Record{
			Topic: s.tables["invoice"].Topic(), Key: []byte("?"), Value: []byte("no envelope"), Time: s.time,
		})
	})
	f.createSource(ctx, "acq", acquisitionPrefix)
	f.awaitResult(ctx, "SELECT count(*)::text FROM acquisition.invoice", "3")
	f.awaitResult(ctx, "SELECT string_agg(kind, ' ' ORDER BY kind) FROM metadb.rejected_event", "record record waits")
}

// resyncFromSecond begins the resynchronization of "sensor" with a second connector, which has
// sent a part of its snapshot: patrons 1 and 3, the latter with another name, and an item.
func (f *databaseFiller) resyncFromSecond(ctx context.Context) {
	f.runCommands(ctx,
		fmt.Sprintf(`alter data source sensor options (set topics '^%s\.', set consumer_group '%[1]s')`, secondSensor),
		"sync data source sensor")
	s := newConnectorStream(secondSensor, 10000).setTime(2026, 6, 1)
	f.writeChanges(ctx, s,
		tableChange{"patron", snapshotRow(int64(1), "Patron 1 in 2026", "-12.25", time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC))},
		tableChange{"patron", snapshotRow(int64(3), "Patron 3 renamed", "3.50", nil)},
		tableChange{"item", snapshotRow(itemID(1), itemDocument(1, 1), "A")})
	f.awaitResult(ctx, "SELECT count(*)::text FROM library.zzz___patron___sync", "2")
	f.awaitResult(ctx, "SELECT count(*)::text FROM library.zzz___item___sync", "1")
}

// resyncFeeTable begins the synchronization of one table, of which an incremental snapshot has
// read a part.
func (f *databaseFiller) resyncFeeTable(ctx context.Context) {
	f.runCommands(ctx, "sync table circulation.fee__")
	s := newConnectorStream(circulationPrefix, 5000).setTime(2026, 6, 2)
	for n := 2; n <= 3; n++ {
		row := []any{int64(n), fmt.Sprintf("%d.00", n*10), []byte{0, byte(n), 255}}
		f.writeChanges(ctx, s, tableChange{"fee", eventgen.Change{Op: 'r', Snapshot: "incremental", Row: row}})
	}
	f.awaitResult(ctx, "SELECT count(*)::text FROM circulation.zzz___fee___sync", "2")
}
