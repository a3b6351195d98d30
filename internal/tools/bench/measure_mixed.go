package bench

import (
	"context"
	"math/rand/v2"
	"time"

	"metadb/internal/testkit/eventgen"
)

const (
	mixedGoal = 0.35
	// hotRows is the exponent of Zipf's law: one row in a hundred thousand gets an
	// eighth of all changes.
	hotRows = 1.1
	// newRow and deleted are the numbers of changes, of a hundred, that insert a new row and that
	// delete one.
	newRow, deleted = 15, 10
)

// measureMixed measures inserts, updates and deletes in one stream, most of them of a few rows.
func (b *benchSite) measureMixed(ctx context.Context) error {
	rows := max(b.Rows/3, 1)
	table := b.shared.generator.instanceTable(firstPrefix)
	row := func(i int) []any { return b.shared.generator.instanceRow(i, 0) }
	if err := b.feed.writeSnapshot(ctx, rows, row, table); err != nil {
		return err
	}
	if err := b.startSource(ctx, "bench", firstPrefix); err != nil {
		return err
	}
	if _, err := b.finishResult(ctx, partResult{name: "snapshot"}, eventSpan{firstPrefix, 0, rows, rows}); err != nil {
		return err
	}
	if err := b.endInitial(ctx, "bench"); err != nil {
		return err
	}
	m := newChangeMixture(rows)
	err := b.feed.writeChanges(ctx, table, b.Updates, func(int) eventgen.Change {
		op, n, updates := m.nextChange()
		b.feed.lsn += 8
		return eventgen.Change{Op: op, Row: b.shared.generator.instanceRow(n, updates), Time: time.Now(), LSN: b.feed.lsn}
	})
	if err != nil {
		return err
	}
	before, err := b.measureYardstick(ctx)
	if err != nil {
		return err
	}
	r := partResult{name: "inserts, updates, deletes; hot keys", goal: mixedGoal}
	if r.use, err = b.readUse(ctx); err != nil {
		return err
	}
	if err := b.metadb.Start(ctx); err != nil {
		return err
	}
	if r, err = b.finishResult(ctx, r, eventSpan{firstPrefix, rows, rows + b.Updates + m.deletes, b.Updates}); err != nil {
		return err
	}
	after, err := b.measureYardstick(ctx)
	if err != nil {
		return err
	}
	r.yardstick = rateBetween(before, after)
	b.addResult(r)
	return b.verifyAll(
		ctx,
		queryCheck{"current rows", "SELECT count(*) FROM inventory.instance", m.alive},
		queryCheck{"versions", "SELECT count(*) FROM inventory.instance__", rows + b.Updates - m.deletes},
	)
}

// changeMixture draws changes of rows.
type changeMixture struct {
	zipf   *rand.Zipf
	random *rand.Rand
	// rows is the number of rows at the start.
	rows int
	// updated has the number of changes of each row, gone marks the deleted rows.
	updated        []int
	gone           []bool
	alive, deletes int
}

func newChangeMixture(rows int) *changeMixture {
	random := rand.New(rand.NewPCG(1, 2))
	return &changeMixture{
		zipf: rand.NewZipf(random, hotRows, 1, uint64(rows-1)), random: random, rows: rows,
		updated: make([]int, rows), gone: make([]bool, rows), alive: rows,
	}
}

// nextChange returns the next change, its row, and the number of the row's changes by then.
func (m *changeMixture) nextChange() (op byte, row, updates int) {
	dice := m.random.IntN(100)
	if dice < newRow {
		m.updated, m.gone = append(m.updated, 0), append(m.gone, false)
		m.alive++
		return 'c', len(m.updated) - 1, 0
	}
	// The hot rows are all over the table.
	row = scatteredRow(int(m.zipf.Uint64()), m.rows)
	switch {
	case m.gone[row]:
		op, m.gone[row] = 'c', false
		m.alive++
	case dice < newRow+deleted:
		m.gone[row] = true
		m.alive--
		m.deletes++
		return 'd', row, m.updated[row]
	default:
		op = 'u'
	}
	m.updated[row]++
	return op, row, m.updated[row]
}
