package source_test

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"

	"metadb/internal/change"
	"metadb/internal/datasource"
	"metadb/internal/source"
)

// ledger is a kind of data source as unlike Kafka as one can be: a log of whole transactions of two
// tables. It has no topics and no offsets; reading begins at the end of a transaction only, and a
// new reader takes a snapshot of its own first.
type ledger struct {
	transactions []ledgerTx
	// snapshotAt is the number of transactions before the snapshot of a new reader.
	snapshotAt int

	mu sync.Mutex
	// resumed counts readers that began within a transaction, and within the snapshot.
	resumedInTransaction, resumedInSnapshot int
	// acknowledged is the last acknowledged transaction of each table.
	acknowledged map[change.Partition]int64
}

// ledgerTx is a transaction, which ends at a position of the log.
type ledgerTx struct {
	end     int
	time    change.Micros
	changes []ledgerChange
}

// ledgerChange is a new value of a row, empty for a delete.
type ledgerChange struct{ table, key, value string }

var ledgerTables = []string{"book", "loan"}

// ledgerPartition returns the partition of a table: the tables have an order each.
func ledgerPartition(table string) change.Partition {
	return change.Partition{Topic: "ledger." + table}
}

var (
	ledgerRow = &change.Shape{Columns: []change.Column{{Name: "id", Type: change.Text}, {Name: "v", Type: change.Text}}, Key: []int{0}}
	ledgerKey = &change.Shape{Columns: []change.Column{{Name: "id", Type: change.Text}}, Key: []int{0}}
)

// newLedger returns a log of n random transactions. Some are large and some change one table only.
func newLedger(random *rand.Rand, n int) *ledger {
	l := &ledger{snapshotAt: n / 3, acknowledged: make(map[change.Partition]int64)}
	rows := map[[2]string]string{}
	for i := range n {
		tx := ledgerTx{end: (i + 1) * 100, time: change.Micros(1790000000000000 + int64(i)*1e6)}
		tables := ledgerTables[:1+random.IntN(2)]
		for range 1 + random.IntN(12) {
			c := ledgerChange{table: tables[random.IntN(len(tables))], key: strconv.Itoa(random.IntN(40))}
			row := [2]string{c.table, c.key}
			if rows[row] == "" || random.IntN(5) > 0 {
				// Each value differs from the one before it: a change that is applied twice
				// makes versions that the log does not have.
				c.value = fmt.Sprintf("%d.%d", i, len(tx.changes))
			}
			rows[row] = c.value
			tx.changes = append(tx.changes, c)
		}
		l.transactions = append(l.transactions, tx)
	}
	return l
}

// kind returns the kind of source that reads the ledger.
func (l *ledger) kind() source.Kind {
	return source.Kind{
		Name:      "ledger",
		NewOpener: func() source.Opener { return l.open },
		NewDecoder: func(*datasource.Options) (source.Decoder, error) {
			return func(at change.Position, _ *change.Record) change.Event {
				return change.Event{Op: change.Reject, Position: at, Reason: "the ledger keeps no records"}
			}, nil
		},
		Bounds: func(context.Context, *datasource.Options, datasource.Opener, []string) (map[change.Partition]source.Bounds, error) {
			return nil, nil
		},
	}
}

func (l *ledger) open(settings source.Settings) (source.Source, error) {
	return &ledgerSource{ledger: l, settings: settings, next: make(map[change.Partition]int64), skip: make(map[change.Partition]int64), from: make(map[change.Partition]int)}, nil
}

// ledgerSource reads a ledger. Its positions have two parts: a place, the end of a transaction or
// the snapshot, and how many of the table's changes after it are applied.
type ledgerSource struct {
	ledger   *ledger
	settings source.Settings
	started  bool
	// snapshot says that the snapshot is to be read first.
	snapshot bool
	// at is the index of the next transaction, rest what is left to deliver of the one before it.
	at   int
	rest change.Delivery

	mu sync.Mutex
	// next is the offset of the next event of each table, from the place where its stored position
	// is, skip how many events after that are applied.
	next, skip map[change.Partition]int64
	from       map[change.Partition]int
}

// mostDelivered bounds a delivery: a transaction may have any size.
const mostDelivered = 3

// Fetch delivers the snapshot, then one transaction after the other.
func (s *ledgerSource) Fetch(ctx context.Context) (change.Delivery, error) {
	if !s.started {
		s.started = true
		return s.start(ctx)
	}
	if !s.readNext() {
		<-ctx.Done() // the log does not grow
		return change.Delivery{}, ctx.Err()
	}
	if len(s.rest.Events) <= mostDelivered {
		d := s.rest
		s.rest = change.Delivery{}
		return d, nil
	}
	d := change.Delivery{Events: s.rest.Events[:mostDelivered:mostDelivered]}
	s.rest.Events = s.rest.Events[mostDelivered:]
	return d, nil
}

// readNext reads the snapshot or the next transaction if nothing is left to deliver. It returns false
// at the end of the log.
func (s *ledgerSource) readNext() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case len(s.rest.Events) > 0 || len(s.rest.Restarts) > 0:
	case s.snapshot:
		s.snapshot = false
		s.rest = s.readSnapshot()
	case s.at < len(s.ledger.transactions):
		s.at++
		s.rest = s.readTransaction(&s.ledger.transactions[s.at-1])
	default:
		return false
	}
	return true
}

// readTransaction returns the events of a transaction that are not applied.
func (s *ledgerSource) readTransaction(tx *ledgerTx) (d change.Delivery) {
	for i, c := range tx.changes {
		if s.from[ledgerPartition(c.table)] >= tx.end {
			continue // before the table's place
		}
		e := ledgerEvent(c, change.Streamed, tx.time+change.Micros(i))
		e.Tx = int64(tx.end)
		s.deliver(&d, e)
	}
	s.addRestarts(&d, tx.end)
	return d
}

// start assigns the tables, with their stored positions.
func (s *ledgerSource) start(ctx context.Context) (change.Delivery, error) {
	stored, err := s.settings.LoadProgress(ctx, nil)
	if err != nil {
		return change.Delivery{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var d change.Delivery
	s.at = len(s.ledger.transactions)
	for _, table := range ledgerTables {
		part := ledgerPartition(table)
		progress, known := stored[part]
		d.Assigned = append(d.Assigned, change.Assignment{Partition: part, Fresh: !known, Stored: progress, From: progress.Next, Partitions: 1})
		place, inLog := strings.CutPrefix(progress.Restart.Place, "end ")
		s.next[part], s.skip[part] = progress.Restart.Offset, progress.Next-progress.Restart.Offset
		if !inLog {
			s.snapshot, s.at = true, s.ledger.snapshotAt
			s.noteResumed(&s.ledger.resumedInSnapshot, progress)
			continue
		}
		if s.from[part], err = strconv.Atoi(place); err != nil {
			return d, err
		}
		s.at = min(s.at, s.from[part]/100)
		s.noteResumed(&s.ledger.resumedInTransaction, progress)
	}
	return d, nil
}

func (s *ledgerSource) noteResumed(count *int, progress change.PartitionProgress) {
	s.ledger.mu.Lock()
	defer s.ledger.mu.Unlock()
	if progress.Next > progress.Restart.Offset {
		*count++
	}
}

// readSnapshot delivers the rows as they were after the first transactions, in the order of their
// keys. Tables that have passed the snapshot are left out.
func (s *ledgerSource) readSnapshot() change.Delivery {
	rows := map[[2]string]string{}
	for _, tx := range s.ledger.transactions[:s.ledger.snapshotAt] {
		for _, c := range tx.changes {
			rows[[2]string{c.table, c.key}] = c.value
		}
	}
	maps.DeleteFunc(rows, func(_ [2]string, value string) bool { return value == "" })
	keys := slices.SortedFunc(maps.Keys(rows), func(a, b [2]string) int { return cmp.Or(cmp.Compare(a[0], b[0]), cmp.Compare(a[1], b[1])) })
	end := s.ledger.snapshotAt * 100
	var d change.Delivery
	for i, key := range keys {
		if s.from[ledgerPartition(key[0])] >= end {
			continue
		}
		phase := change.InSnapshot
		if i == len(keys)-1 {
			phase = change.LastInSnapshot
		}
		e := ledgerEvent(ledgerChange{key[0], key[1], rows[key]}, phase, 1780000000000000)
		e.FirstInSnapshot, e.Tx = i == 0, int64(end)
		s.deliver(&d, e)
	}
	s.addRestarts(&d, end)
	return d
}

// ledgerEvent returns the event of a change.
func ledgerEvent(c ledgerChange, phase change.SnapshotPhase, at change.Micros) change.Event {
	e := change.Event{
		Op: change.Upsert, Snapshot: phase, Source: change.Table{Schema: "library", Name: c.table},
		Shape: ledgerRow, Time: at, Complete: true, Position: change.Position{Partition: ledgerPartition(c.table)},
	}
	e.Row = change.AppendValue(nil, []byte(c.key))
	if c.value == "" {
		e.Op, e.Shape = change.Delete, ledgerKey
		return e
	}
	e.Row = change.AppendValue(e.Row, []byte(c.value))
	return e
}

// deliver adds an event, unless it is applied already. The caller holds mu.
func (s *ledgerSource) deliver(d *change.Delivery, e change.Event) {
	part := e.Position.Partition
	e.Position.Offset = s.next[part]
	s.next[part]++
	if s.skip[part] > 0 {
		s.skip[part]--
		return
	}
	d.Events = append(d.Events, e)
}

// addRestarts adds the end of a transaction as the place where reading of each table can begin again,
// of tables too that it does not change. The caller holds mu.
func (s *ledgerSource) addRestarts(d *change.Delivery, end int) {
	for _, table := range ledgerTables {
		part := ledgerPartition(table)
		if s.from[part] < end {
			point := change.RestartPoint{Offset: s.next[part], Place: "end " + strconv.Itoa(end)}
			d.Restarts = append(d.Restarts, change.Restart{Partition: part, Point: point})
		}
	}
}

// Ack notes the acknowledged places.
func (s *ledgerSource) Ack(_ context.Context, spans []change.Span) {
	s.ledger.mu.Lock()
	defer s.ledger.mu.Unlock()
	for _, span := range spans {
		s.ledger.acknowledged[span.Partition] = span.To.Next
	}
}

// Ends returns the offsets after what has been delivered: a log of transactions is in order.
func (s *ledgerSource) Ends(_ context.Context, lanes []change.Lane) (map[change.Partition]int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	ends := maps.Clone(s.next)
	maps.DeleteFunc(ends, func(part change.Partition, _ int64) bool {
		return lanes != nil && !slices.Contains(lanes, part.Lane())
	})
	return ends, nil
}

// Pause does nothing: what is delivered is bounded by the size of a transaction here.
func (s *ledgerSource) Pause([]change.Partition) {}

func (s *ledgerSource) Close() {}

// versionCounts returns how many versions of each row the log makes from the snapshot on, with "*"
// after the key of a row that is current.
func (l *ledger) versionCounts() map[string]int {
	counts, current := map[string]int{}, map[[2]string]string{}
	add := func(c ledgerChange, snapshot bool) {
		key := [2]string{c.table, c.key}
		if current[key] = c.value; c.value != "" && !snapshot {
			counts[c.table+" "+c.key]++
		}
	}
	for i, tx := range l.transactions {
		for _, c := range tx.changes {
			add(c, i < l.snapshotAt)
		}
		if i == l.snapshotAt-1 {
			for key, value := range current {
				if value != "" {
					counts[key[0]+" "+key[1]]++
				}
			}
		}
	}
	for key, value := range current {
		if value != "" {
			counts[key[0]+" "+key[1]+" = "+value] = 1
		}
	}
	return counts
}
