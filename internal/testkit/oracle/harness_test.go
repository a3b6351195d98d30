package oracle_test

import (
	"cmp"
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"metadb/internal/change"
	"metadb/internal/datatype"
	"metadb/internal/ident"
	"metadb/internal/target/apply"
	"metadb/internal/target/catalog"
	"metadb/internal/target/metaschema"
	"metadb/internal/testkit/oracle"
	"metadb/internal/testkit/pgtest"
)

// reporter is the part of *testing.T and *rapid.T that the harness uses.
type reporter interface {
	Helper()
	Fatalf(format string, args ...any)
	Errorf(format string, args ...any)
}

const (
	source = "sensor"
	group  = "sensor_1"
	schema = "library"
)

// testBench applies events to a database and to the oracle, and compares them.
type testBench struct {
	*pgtest.DB
	admin *pgx.Conn
	store *catalog.Store
	// appliers have a session each.
	appliers [2]*apply.Applier
	fault    *fault
	oracle   *oracle.Oracle
	marks    map[change.Partition]change.PartitionProgress
	// resync makes events confirm from these offsets on.
	resync bool
	from   map[change.Partition]int64
	// side says which applier has a table in the next batch.
	side func(change.Table) int
	// sent has the changes that the source has sent.
	sent map[sentChange]bool
}

// sentChange identifies a change of the source.
type sentChange struct {
	table  change.Table
	op     change.Op
	lsn    uint64
	origin change.Origin
	row    string
}

// newBench makes a database with the system schema.
func newBench(t testing.TB) *testBench {
	t.Helper()
	b := &testBench{DB: pgtest.New(t)}
	conn, err := pgx.Connect(t.Context(), b.ConnString)
	if err != nil {
		t.Fatal(err)
	}
	b.admin = conn
	if err := metaschema.Ensure(t.Context(), conn, "test"); err != nil {
		t.Fatal(err)
	}
	b.begin()
	t.Cleanup(func() {
		if err := errors.Join(b.close(), conn.Close(context.Background())); err != nil {
			t.Error(err)
		}
	})
	return b
}

// begin starts with no table and nothing read.
func (b *testBench) begin() {
	b.oracle, b.marks = oracle.New(), make(map[change.Partition]change.PartitionProgress)
	b.resync, b.from = false, make(map[change.Partition]int64)
	b.sent = make(map[sentChange]bool)
	b.store = catalog.NewStore()
	b.start()
}

// start makes the appliers.
func (b *testBench) start() {
	b.fault = &fault{}
	for i := range b.appliers {
		b.appliers[i] = apply.New(apply.Config{
			Source: source, Group: group, Store: b.store, Logger: slog.New(slog.NewTextHandler(io.Discard, nil)),
			Connect: func(ctx context.Context) (*pgx.Conn, error) {
				config, err := pgx.ParseConfig(b.ConnString)
				if err != nil {
					return nil, err
				}
				config.Tracer, config.DialFunc = b.fault, b.fault.dial
				return pgx.ConnectConfig(ctx, config)
			},
		})
	}
}

// close closes the appliers' connections.
func (b *testBench) close() error {
	return errors.Join(b.appliers[0].Close(context.Background()), b.appliers[1].Close(context.Background()))
}

// clear drops every table, so that another example can begin.
func (b *testBench) clear(t reporter) {
	t.Helper()
	if err := b.close(); err != nil {
		t.Fatalf("close: %v", err)
	}
	_, err := b.admin.Exec(context.Background(), "SET client_min_messages = 'warning'; DROP SCHEMA IF EXISTS "+ident.Name(schema).SQL()+` CASCADE;
		TRUNCATE metadb.base_table, metadb.target_table, metadb.table_feed, metadb.target_column, metadb.stream_position, metadb.rejected_event, metadb.truncation, metadb.row_position`)
	if err != nil {
		t.Fatalf("clear: %v", err)
	}
	b.begin()
}

// crash starts again like a killed process, with the state that the database has.
func (b *testBench) crash(t reporter) {
	t.Helper()
	_ = b.close()
	b.store = catalog.NewStore()
	if err := b.store.Load(context.Background(), b.admin); err != nil {
		t.Fatalf("load the catalog: %v", err)
	}
	b.start()
}

// collect marks an event as the pipeline does: where it has been applied before, or may have, and
// whether it confirms.
func (b *testBench) collect(e *change.Event, high *change.PartitionProgress) {
	key := change.KeyHash(e)
	verdict := high.Judge(e, key)
	e.Suspect, e.Repeated = verdict != change.New, verdict == change.Repeated
	if verdict == change.New {
		high.Advance(e, key, verdict, false)
	}
	e.Confirm = b.resync && e.Position.Offset >= b.from[e.Position.Partition]
	high.Next = e.Position.Offset + 1
}

// batch makes a batch of events and sets their offsets.
func (b *testBench) batch(events []change.Event) *change.Batch {
	batch := &change.Batch{Source: source, Events: events}
	spans := make(map[change.Partition]*change.Span)
	var order []change.Partition
	for i := range events {
		e := &events[i]
		part := e.Position.Partition
		span := spans[part]
		if span == nil {
			mark, known := b.marks[part]
			span = &change.Span{Partition: part, Fresh: !known, From: mark, To: mark}
			spans[part] = span
			order = append(order, part)
		}
		e.Position.Offset = span.To.Next
		b.collect(e, &span.To)
	}
	for _, part := range order {
		batch.Spans = append(batch.Spans, *spans[part])
	}
	return batch
}

// check compares a table with the oracle's.
func (b *testBench) check(t reporter, name change.Table) {
	t.Helper()
	b.checkBut(t, name, func(string) bool { return false })
}

// checkBut compares the versions of a table with the expected ones. Versions for which
// mayLack is true may be missing; unexpected versions are errors.
func (b *testBench) checkBut(t reporter, name change.Table, mayLack func(version string) bool) {
	t.Helper()
	got, want := b.stored(t, name), b.expected(name)
	n := 0
	want = slices.DeleteFunc(want, func(version string) bool {
		there := n < len(got) && got[n] == version
		if there {
			n++
		}
		return !there && mayLack(version)
	})
	if !slices.Equal(got, want) {
		t.Fatalf("table %s has\n%s\nexpected\n%s", name, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// expected describes the oracle's versions, row by row.
func (b *testBench) expected(name change.Table) []string {
	table := b.oracle.Table(name)
	if table == nil {
		return nil
	}
	order := make([]int, len(table.Versions))
	for i := range order {
		order[i] = i
	}
	described := make([]string, 0, len(order))
	slices.SortStableFunc(order, func(i, j int) int {
		v, w := table.Versions[i], table.Versions[j]
		return cmp.Or(cmp.Compare(v.Start, w.Start), cmp.Compare(v.End, w.End))
	})
	for _, i := range order {
		v := table.Versions[i]
		values := make([]string, len(v.Values))
		for k, value := range v.Values {
			values[k] = "NULL"
			if value.Present {
				values[k] = value.Text
			}
		}
		described = append(described, describe(v.Origin, values, v.Start, v.End, v.IsCurrent() && v.Confirmed))
	}
	return b.sorted(name, described)
}

func describe(origin change.Origin, values []string, start, end change.Micros, confirmed bool) string {
	return fmt.Sprintf("%s|%s|%s|%s|%t", origin, strings.Join(values, "|"), seconds(start), seconds(end), confirmed)
}

// sorted groups the versions by row and keeps their order. Rows that are equal in the
// key columns of all versions of the table count as one row here.
func (b *testBench) sorted(name change.Table, versions []string) []string {
	table := b.store.Snapshot().Table(name)
	if table == nil {
		return versions
	}
	key := []int{0}
	for _, column := range widest(name) {
		if at := table.Column(column); at >= 0 {
			key = append(key, at+1)
		}
	}
	identity := func(line string) []string {
		fields := strings.Split(line, "|")
		var values []string
		for _, at := range key {
			values = append(values, fields[at])
		}
		return values
	}
	slices.SortStableFunc(versions, func(x, y string) int { return slices.Compare(identity(x), identity(y)) })
	return versions
}

// stored describes the versions in the database, row by row.
func (b *testBench) stored(t reporter, name change.Table) []string {
	t.Helper()
	table := b.store.Snapshot().Table(name)
	if table == nil {
		return nil
	}
	columns := ""
	for _, c := range table.Columns {
		columns += ", coalesce(" + c.Stored.SQL() + "::text, 'NULL')"
	}
	// Where a version is, and whether it says so itself, must agree.
	rows, err := b.admin.Query(context.Background(), "SELECT __start, __end, __origin, __current AND __id IN (SELECT __id FROM "+table.Sync.SQL()+
		"), __current = (__end = '9999-12-31 00:00:00+00') AND __current = (tableoid = '"+strings.ReplaceAll(table.Current.SQL(), "'", "''")+"'::regclass), ARRAY["+
		strings.TrimPrefix(columns, ", ")+"] FROM "+table.Main.SQL()+" ORDER BY __start, __end, __id")
	if err != nil {
		t.Fatalf("read %s: %v", name, err)
	}
	var start, end time.Time
	var origin string
	var confirmed, placed bool
	var values, described []string
	_, err = pgx.ForEachRow(rows, []any{&start, &end, &origin, &confirmed, &placed, &values}, func() error {
		line := describe(change.Origin(origin), values, change.Micros(start.UnixMicro()), change.Micros(end.UnixMicro()), confirmed)
		if !placed {
			line += " in the wrong partition"
		}
		described = append(described, line)
		values = nil
		return nil
	})
	if err != nil {
		t.Fatalf("read %s: %v", name, err)
	}
	return b.sorted(name, described)
}

// cell appends a value of a type to a row: nil is NULL, unavailable{} an unavailable value.
func cell(row change.Row, t change.Type, value any) change.Row {
	switch v := value.(type) {
	case nil:
		return change.AppendNull(row)
	case unavailable:
		return change.AppendUnavailable(row)
	case string:
		if t == change.JSONB {
			return change.AppendValue(row, datatype.AppendJSONB(nil, []byte(v)))
		}
		if t == change.UUID {
			raw, err := hex.DecodeString(strings.ReplaceAll(v, "-", ""))
			if err != nil {
				panic(err)
			}
			return change.AppendValue(row, raw)
		}
		return change.AppendValue(row, []byte(v))
	case bool:
		return change.AppendValue(row, []byte{map[bool]byte{true: 1}[v]})
	case float64:
		if t == change.Real {
			return change.AppendValue(row, binary.BigEndian.AppendUint32(nil, math.Float32bits(float32(v))))
		}
		return change.AppendValue(row, binary.BigEndian.AppendUint64(nil, math.Float64bits(v)))
	case int:
		switch t {
		case change.SmallInt:
			return change.AppendValue(row, binary.BigEndian.AppendUint16(nil, uint16(v)))
		case change.Integer:
			return change.AppendValue(row, binary.BigEndian.AppendUint32(nil, uint32(v)))
		case change.BigInt:
			return change.AppendValue(row, binary.BigEndian.AppendUint64(nil, uint64(v)))
		case change.Numeric:
			value, err := datatype.AppendNumericInt(nil, int64(v)*10, 1)
			if err != nil {
				panic(err)
			}
			return change.AppendValue(row, value)
		case change.Text:
			return change.AppendValue(row, fmt.Append(nil, v))
		}
	}
	panic(fmt.Sprintf("no cell of %v for %v", t, value))
}

// unavailable is the value that an event does not have.
type unavailable struct{}

// seconds returns a time counted from the first event's, for people to read.
func seconds(at change.Micros) string {
	if at == oracle.Forever {
		return "-"
	}
	return strconv.FormatInt(int64(at/1e6)-base, 10)
}
