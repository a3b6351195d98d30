package pipeline

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"metadb/internal/change"
	"metadb/internal/target/apply"
	"metadb/internal/target/catalog"
	"metadb/internal/target/checkpoint"
	"metadb/internal/target/metaschema"
	"metadb/internal/testkit/oracle"
	"metadb/internal/testkit/pgtest"
)

// replica is the database that follows a model's source, by way of the partitions of its topic.
type replica struct {
	*modelSource
	t       *testing.T
	db      *pgtest.DB
	group   string
	store   *catalog.Store
	applier *apply.Applier
	parts   partitionStates
	// log has the records of each partition, order the partitions of all records in the
	// order in which they were written, and next the first record of each that has not been read.
	log   map[int32][]change.Event
	order []int32
	// changes has, for each record of the log, the index of its change in the stream.
	changes map[int32][]int
	next    map[int32]int
	// sent is the number of changes that the connector has sent, partitions the number of
	// partitions that it sends to.
	sent int
	// known is the number of partitions that the server has discovered.
	known int
	// marks are the stored positions.
	marks map[change.Partition]change.PartitionProgress
	// trail describes the steps so far.
	trail []string
}

func (r *replica) partition(n int32) change.Partition {
	return change.Partition{Topic: r.group, Number: n}
}

// send sends the changes that have not been sent.
func (r *replica) send(upTo int) {
	for ; r.sent < upTo; r.sent++ {
		e := r.stream[r.sent]
		if r.twice && r.partitions < 4 && r.IntN(10) == 0 {
			r.add()
		}
		n := r.Int32N(int32(r.partitions))
		if e.Op != change.Truncate {
			n = int32(e.Row.Cell(0).Bytes[3]) % int32(r.partitions)
		}
		e.Position = change.Position{Partition: r.partition(n), Offset: int64(len(r.log[n]))}
		r.log[n], r.order, r.changes[n] = append(r.log[n], e), append(r.order, n), append(r.changes[n], r.sent)
	}
}

// crash kills the connector at a random change; it then returns to an earlier one.
func (r *replica) crash() {
	r.send(r.sent + r.IntN(1+len(r.stream)-r.sent))
	back := r.IntN(20)
	if r.crowded {
		back = r.IntN(500)
	}
	if r.IntN(4) == 0 {
		back = r.IntN(1 + len(r.stream))
	}
	if r.sent < r.run {
		return
	}
	from := max(r.run, r.sent-back)
	for n := range int32(r.partitions) {
		if r.loses && r.IntN(3) == 0 {
			from = min(from, r.lose(n))
		}
	}
	r.note("the connector sends %d to %d again", from, r.sent)
	r.sent = from
	if r.grows && r.IntN(3) == 0 && r.partitions < 5 {
		r.add()
		r.discover()
	}
}

// add adds a partition that the server has not discovered yet.
func (r *replica) add() {
	r.partitions++
	r.note("partition %d is added", r.partitions-1)
}

// discover lets the server discover the added partitions.
func (r *replica) discover() {
	for ; r.known < r.partitions; r.known++ {
		r.beginPartition(int32(r.known))
	}
}

// lose removes the last records of a partition, which have not been read: the connector's producer
// had them in memory. It returns the first lost change.
func (r *replica) lose(n int32) int {
	kept := r.next[n] + r.IntN(1+max(0, len(r.log[n])-r.next[n]))
	first := r.sent
	for last := len(r.log[n]) - 1; last >= kept && r.changes[n][last] >= r.run; last-- {
		first = min(first, r.changes[n][last])
		r.log[n], r.changes[n] = r.log[n][:last], r.changes[n][:last]
		i := len(r.order) - 1
		for r.order[i] != n {
			i--
		}
		r.order = slices.Delete(r.order, i, i+1)
	}
	if first < r.sent {
		r.note("partition %d loses what is behind %d", n, len(r.log[n]))
	}
	return first
}

func (r *replica) note(format string, args ...any) {
	r.trail = append(r.trail, fmt.Sprintf(format, args...))
}

// start starts the server from the state of the database.
func (r *replica) start() {
	if r.applier != nil {
		r.must(r.applier.Close(context.Background()))
	}
	r.store = catalog.NewStore()
	r.must(r.store.Load(context.Background(), r.db.Pool))
	r.applier = apply.New(apply.Config{
		Source: "sensor", Group: r.group, Store: r.store, Logger: slog.New(slog.DiscardHandler),
		Connect: func(ctx context.Context) (*pgx.Conn, error) { return pgx.Connect(ctx, r.db.ConnString) },
	})
	var err error
	r.marks, err = checkpoint.Load(context.Background(), r.db.Pool, "sensor", r.group, nil)
	r.must(err)
	r.parts, r.known = newPartitions(), 0
	r.discover()
	r.next = make(map[int32]int)
	for part, mark := range r.marks {
		r.next[part.Number] = int(mark.Next)
	}
}

// unread returns the partition to read the next record from: the one that was written first, or
// sometimes any other one if partitions may be late.
func (r *replica) unread() (n int32, found bool) {
	at := make(map[int32]int)
	for _, n := range r.order {
		if at[n]++; at[n] > r.next[n] && int(n) < r.known && !(r.late && r.IntN(4) == 0) {
			return n, true
		}
	}
	for n := range int32(r.known) {
		if r.next[n] < len(r.log[n]) {
			return n, true
		}
	}
	return 0, false
}

func (r *replica) beginPartition(n int32) {
	mark, stored := r.marks[r.partition(n)]
	r.parts.assignPartition(change.Assignment{Partition: r.partition(n), Fresh: !stored, Stored: mark, From: mark.Next})
}

func (r *replica) must(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

// apply reads some records and applies them as one batch, unless the server is killed before.
func (r *replica) apply(most int) {
	batch := &change.Batch{Source: "sensor"}
	n, found := r.unread()
	for ; found && len(batch.Events) < most; n, found = r.unread() {
		e := r.log[n][r.next[n]]
		r.next[n]++
		e.Partitions = r.known
		if r.parts.advancePast(&e) {
			batch.Events = append(batch.Events, e)
		}
	}
	batch.Spans = r.parts.takeSpans()
	if r.IntN(8) == 0 {
		r.kill(len(batch.Spans) == 0 && !found && r.sent == len(r.stream))
		return
	}
	if len(batch.Spans) == 0 {
		return
	}
	_, err := r.applier.Apply(r.t.Context(), batch)
	r.must(err)
	for _, span := range batch.Spans {
		r.marks[span.Partition] = span.To
	}
}

// kill kills the server, and draws interventions before it starts again. idle says that all
// changes have been applied.
func (r *replica) kill(idle bool) {
	switch kind := r.IntN(6); {
	case kind < 3 && idle:
		// It does not go on in the middle of a transaction.
		r.clock += 2000
		r.note("the positions are those of an older version")
		r.exec("UPDATE metadb.stream_position SET high_commit = 0, top_lsn = high_lsn, recent = '', forgotten_time = high_time, transactions = '', forgotten_transaction_time = high_time")
	case kind == 3:
		r.note("positions are moved back")
		r.exec(fmt.Sprintf("UPDATE metadb.stream_position SET next_offset = greatest(0, next_offset - %d)", r.IntN(10)))
	}
	r.start()
}

func (r *replica) exec(sql string) {
	_, err := r.db.Pool.Exec(r.t.Context(), sql)
	r.must(err)
}

// check compares all versions with those of the source's own stream, with each change once.
func (r *replica) check() {
	r.t.Helper()
	truth := oracle.New()
	for i := range r.stream[:r.sent] {
		truth.Apply(&r.stream[i])
	}
	var want []string
	if table := truth.Table(r.table); table != nil {
		for id := range mostKeys {
			for _, v := range table.Versions {
				if v.Values[0].Text == strconv.Itoa(id) {
					want = append(want, versionLine(v.Values[0].Text, v.Values[1].Text, v.Start, v.End))
				}
			}
		}
	}
	var got []string
	if len(want) > 0 {
		rows, err := r.db.Pool.Query(r.t.Context(), fmt.Sprintf("SELECT id, v, __start, __end FROM %q.%q ORDER BY id, __start, __id", r.table.Schema, r.table.Name+"__"))
		r.must(err)
		var id int32
		var v string
		var start, end time.Time
		_, err = pgx.ForEachRow(rows, []any{&id, &v, &start, &end}, func() error {
			got = append(got, versionLine(strconv.Itoa(int(id)), v, change.Micros(start.UnixMicro()), change.Micros(end.UnixMicro())))
			return nil
		})
		r.must(err)
	}
	if r.twice {
		got, want = withoutMissingInstants(got, want)
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		r.t.Fatalf("%+v\n%s\n%s\nversions, beside those of the source:\n%s", r.sourceKind, strings.Join(r.trail, "\n"), r.records(), lineDiff(got, want))
	}
}

// withoutMissingInstants returns the versions sorted, since of those of one time the ids are in the order
// in which they were read, and without those of no length that are missing: what came late to one
// that has the same values and the same time may be taken for it.
func withoutMissingInstants(got, want []string) (sorted, needed []string) {
	slices.Sort(got)
	slices.Sort(want)
	at := 0
	for _, line := range want {
		fields := strings.Fields(line)
		there := at < len(got) && got[at] == line
		if !there && fields[2] == fields[3] {
			continue
		}
		if needed = append(needed, line); there {
			at++
		}
	}
	return got, needed
}

func versionLine(id, v string, start, end change.Micros) string {
	until := "-"
	if end != oracle.Forever {
		until = fmt.Sprint(int64(end) % 1e10)
	}
	return fmt.Sprintf("%s %s %d %s", id, v, int64(start)%1e10, until)
}

// lineDiff shows two lists, and marks lines that only one of them has.
func lineDiff(got, want []string) string {
	var b strings.Builder
	for len(got)+len(want) > 0 {
		switch {
		case len(got) > 0 && len(want) > 0 && got[0] == want[0]:
			fmt.Fprintf(&b, "  %s\n", got[0])
			got, want = got[1:], want[1:]
		case len(want) == 0 || len(got) > 0 && got[0] < want[0]:
			fmt.Fprintf(&b, "+ %s\n", got[0])
			got = got[1:]
		default:
			fmt.Fprintf(&b, "- %s\n", want[0])
			want = want[1:]
		}
	}
	return b.String()
}

// records lists the log.
func (r *replica) records() string {
	var b strings.Builder
	at := make(map[int32]int64)
	for _, n := range r.order {
		e := r.log[n][at[n]]
		at[n]++
		fmt.Fprintf(&b, "%d@%d %s snapshot %d (%d, %d) at %d", n, e.Position.Offset, e.Op, e.Snapshot, e.Commit, e.LSN, int64(e.Time)%1e10)
		for _, c := range e.Row.Cells() {
			fmt.Fprintf(&b, " %q", c.Bytes)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// TestRepetition expects the versions of every row to be those of the source's own stream, for any
// repetitions after crashes of the connector, kills of the server and divisions into batches.
// METADB_REPETITION_SEEDS sets a higher number of random sources than CI has time for.
func TestRepetition(t *testing.T) {
	seeds := 100
	if n, err := strconv.Atoi(os.Getenv("METADB_REPETITION_SEEDS")); err == nil {
		seeds = n
	}
	if testing.Short() {
		seeds = 20
	}
	db := pgtest.New(t)
	conn, err := pgx.Connect(t.Context(), db.ConnString)
	if err != nil {
		t.Fatal(err)
	}
	if err := metaschema.Ensure(t.Context(), conn, "test"); err != nil {
		t.Fatal(err)
	}
	if err := conn.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	for seed := range seeds {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) { repeat(t, db, uint64(seed)) })
	}
}

// kindOf spreads the kinds of sources over the seeds.
func kindOf(seed uint64) sourceKind {
	kind := sourceKind{partitions: 1, sequenced: seed%2 == 0, millis: seed/2%2 == 0}
	switch seed / 4 % 12 {
	case 1:
		kind.partitions = 3
	case 2:
		kind.grows = true
	case 3:
		kind.restored = true
	case 4:
		kind.moved = true
	case 5:
		kind.partitions, kind.grows = 2, true
	case 6:
		kind.partitions, kind.late = 3, true
	case 7:
		kind.crowded = true
	case 8:
		kind.partitions, kind.late, kind.loses = 3, true, true
	case 9:
		kind.partitions, kind.late, kind.crowded = 3, true, true
	case 10:
		kind.twice = true
	case 11:
		kind.partitions, kind.grows, kind.late = 1+int(seed/48%2), true, true
	}
	return kind
}

func repeat(t *testing.T, db *pgtest.DB, seed uint64) {
	table := change.Table{Schema: "library", Name: fmt.Sprintf("patron_%d", seed)}
	random := rand.New(rand.NewPCG(seed, 17))
	r := &replica{
		modelSource: newModelSource(random, kindOf(seed), table), t: t, db: db,
		group: fmt.Sprintf("sensor_%d", seed), log: make(map[int32][]change.Event), changes: make(map[int32][]int),
	}
	r.start()
	defer func() { r.must(r.applier.Close(context.Background())) }()
	var backup *modelSource
	steps := 120
	if r.twice {
		steps = 20 // partitions can be added a few times only
	}
	for step := range steps {
		r.step()
		switch r.IntN(10) {
		case 0, 1:
			r.crash()
		case 2, 3:
			r.send(r.sent + r.IntN(1+len(r.stream)-r.sent))
		case 4, 5:
			most := 20
			if r.crowded {
				most = 500
			}
			r.apply(1 + r.IntN(most))
		case 7:
			if r.twice && r.IntN(4) == 0 {
				r.discover()
			}
		}
		switch {
		case step == 40:
			backup = &modelSource{rows: cloneRows(r.rows), lsn: r.lsn, txs: r.txs}
			if len(r.open) > 0 {
				r.settle()
				backup = &modelSource{rows: cloneRows(r.rows), lsn: r.lsn, txs: r.txs}
			}
		case step == 80 && (r.restored || r.moved):
			r.settle()
			r.send(len(r.stream))
			if r.restored {
				r.note("the source is restored")
				r.rows, r.txs = backup.rows, backup.txs
				r.restart(backup.lsn)
			} else {
				r.note("the source is moved")
				r.restart(500)
			}
		}
	}
	r.settle()
	r.send(len(r.stream))
	r.discover()
	for _, left := r.unread(); left; _, left = r.unread() {
		r.apply(50)
	}
	r.check()
}

func cloneRows(rows map[int32]string) map[int32]string {
	copied := make(map[int32]string, len(rows))
	for id, value := range rows {
		copied[id] = value
	}
	return copied
}
