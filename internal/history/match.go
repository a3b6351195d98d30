package history

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"metadb/internal/catalog"
	"metadb/internal/change"
)

// matched is a current row that a chain begins with.
type matched struct {
	id    int64
	start change.Micros
	// equal says that the chain's first version is the same.
	equal bool
}

// matches is what the database knows about the items of a chunk.
type matches struct {
	// current has the current rows of a chain, by its head: none, one, or
	// several after a change of what identifies a row.
	current map[int][]matched
	// same has the items that equal the item before them.
	same map[int]bool
	// lastEnd has the last __end of keys that have no current row, by the
	// head, where that could be after an event of the chain.
	lastEnd map[int]change.Micros
	// repeated has the items that are repetitions: the key has had that very
	// version, or that very end.
	repeated map[int]bool
}

// match asks PostgreSQL about the items in the stage.
func (r *run) match(ctx context.Context, t *target, c *chunk, f *folded, st *stage) (*matches, error) {
	m := &matches{current: make(map[int][]matched, len(f.items))}
	for nulls := range f.patterns(c) {
		if err := r.matchCurrent(ctx, t.table, c.key, nulls, st, m); err != nil {
			return nil, err
		}
	}
	if f.multiple {
		if err := r.matchNeighbours(ctx, t.table, st, m); err != nil {
			return nil, err
		}
	}
	if t.table.LastEnd == 0 {
		return m, nil // no version has ever ended: there is no history to ask
	}
	var early, suspects []int32
	head := 0
	for i := range f.items {
		it := &f.items[i]
		if it.head {
			head = i
		}
		current := m.current[head]
		if it.upsert && len(current) == 0 && it.at <= t.table.LastEnd && (len(early) == 0 || early[len(early)-1] != int32(head)) {
			early = append(early, int32(head))
		}
		if it.suspect && !(it.head && len(current) == 1 && current[0].equal) {
			suspects = append(suspects, int32(i))
		}
	}
	for nulls := range f.patterns(c) {
		if err := r.matchLastEnds(ctx, t.table, c.key, nulls, st, early, m); err != nil {
			return nil, err
		}
		if err := r.matchRepeated(ctx, t.table, c, nulls, f, st, suspects, m); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// patterns returns which columns of keys are NULL, for the keys of the chunk.
// Nearly always there is one pattern: none is.
func (f *folded) patterns(c *chunk) map[pattern]bool {
	found := make(map[pattern]bool, 1)
	for i := range f.items {
		it := &f.items[i]
		if !it.head {
			continue
		}
		var p pattern
		if it.upsert {
			p = nullsIn(c, it.row)
		} else {
			p = nullsInKey(it.row)
		}
		found[p] = true
	}
	return found
}

// nullsIn returns the pattern of an upsert's row.
func nullsIn(c *chunk, row change.Row) pattern {
	var p pattern
	for i, cell := range row.Cells() {
		if k := c.fields[i].key; k != none && cell.State != change.Present {
			p |= 1 << k
		}
	}
	return p
}

// nullsInKey returns the pattern of a row that has the key's cells alone.
func nullsInKey(key change.Row) pattern {
	var p pattern
	for k, cell := range key.Cells() {
		if cell.State != change.Present {
			p |= 1 << k
		}
	}
	return p
}

// matchCurrent finds the current rows of the chains, and whether the chain's
// first version equals them.
func (r *run) matchCurrent(ctx context.Context, t *catalog.Table, key []int, nulls pattern, st *stage, m *matches) error {
	sql := "SELECT s.ord, c.__id, c.__start, s.upsert AND " + sameImage(t) +
		" FROM " + st.SQL() + " s JOIN " + t.Current.SQL() + " c ON " + sameKey(t, key, nulls) +
		" WHERE s.head"
	rows, err := r.tx.Query(ctx, sql)
	if err != nil {
		return fmt.Errorf("find current rows: %w", err)
	}
	var ord int
	var found matched
	var start time.Time
	_, err = pgx.ForEachRow(rows, []any{&ord, &found.id, &start, &found.equal}, func() error {
		found.start = micros(start)
		m.current[ord] = append(m.current[ord], found)
		return nil
	})
	if err != nil {
		return fmt.Errorf("find current rows: %w", err)
	}
	return nil
}

// matchNeighbours finds the items that equal the one before them. The items of
// a chain stand behind one another in the stage's order.
func (r *run) matchNeighbours(ctx context.Context, t *catalog.Table, st *stage, m *matches) error {
	row := "ROW(" + trimComma(stagedColumns(t, "")) + ")"
	sql := "SELECT ord FROM (SELECT ord, follows AND upsert AND record_image_eq(" + row + ", lag(" + row + ") OVER (ORDER BY ord)) AS same FROM " +
		st.SQL() + " WHERE NOT probe) s WHERE same"
	ords, err := r.ords(ctx, sql)
	if err != nil {
		return fmt.Errorf("compare versions: %w", err)
	}
	m.same = ords
	return nil
}

// matchLastEnds finds when keys without a current row were last current.
func (r *run) matchLastEnds(ctx context.Context, t *catalog.Table, key []int, nulls pattern, st *stage, heads []int32, m *matches) error {
	if len(heads) == 0 {
		return nil
	}
	sql := "SELECT s.ord, max(c.__end) FROM " + st.SQL() + " s JOIN " + t.History.SQL() + " c ON " + sameKey(t, key, nulls) +
		" WHERE s.ord = ANY ($1) GROUP BY s.ord"
	rows, err := r.tx.Query(ctx, sql, heads)
	if err != nil {
		return fmt.Errorf("find last ends: %w", err)
	}
	if m.lastEnd == nil {
		m.lastEnd = make(map[int]change.Micros)
	}
	var ord int
	var end time.Time
	_, err = pgx.ForEachRow(rows, []any{&ord, &end}, func() error {
		m.lastEnd[ord] = micros(end)
		return nil
	})
	if err != nil {
		return fmt.Errorf("find last ends: %w", err)
	}
	return nil
}

// matchRepeated finds which of the suspects are repetitions: the key has a
// version with that start and those values, or, for a delete, with that end.
// Values that the event does not have count as the same.
func (r *run) matchRepeated(ctx context.Context, t *catalog.Table, c *chunk, nulls pattern, f *folded, st *stage, suspects []int32, m *matches) error {
	if len(suspects) == 0 {
		return nil
	}
	missing := make(map[int]bool)
	for _, i := range suspects {
		for _, at := range f.items[i].unavailable {
			missing[c.fields[at].column] = true
		}
	}
	sql := "SELECT s.ord FROM " + st.SQL() + " s WHERE s.ord = ANY ($1) AND EXISTS (SELECT FROM " + t.Main.SQL() + " c WHERE " +
		sameKey(t, c.key, nulls) + " AND CASE WHEN s.upsert THEN c.__start = s.at AND " + sameImageBut(t, missing) +
		" ELSE c.__end = s.at AND NOT c.__current END)"
	ords, err := r.ords(ctx, sql, suspects)
	if err != nil {
		return fmt.Errorf("look for repetitions: %w", err)
	}
	if m.repeated == nil {
		m.repeated = make(map[int]bool)
	}
	for ord := range ords {
		m.repeated[ord] = true
	}
	return nil
}

// sameImageBut is sameImage where the columns listed in s.missing, which are
// among the given ones, count as the same.
func sameImageBut(t *catalog.Table, missing map[int]bool) string {
	if len(missing) == 0 {
		return sameImage(t)
	}
	staged, stored := "", ""
	for i, column := range t.Columns {
		s, c := "s."+stageColumn(i), "c."+column.Stored.SQL()
		if missing[i] {
			s = fmt.Sprintf("CASE WHEN %d = ANY (s.missing) THEN %s ELSE %s END", i, c, s)
		}
		staged, stored = staged+", "+s, stored+", "+c
	}
	return "record_image_eq(ROW(" + trimComma(staged) + "), ROW(" + trimComma(stored) + "))"
}

// ords runs a query that answers numbers of items.
func (r *run) ords(ctx context.Context, sql string, args ...any) (map[int]bool, error) {
	rows, err := r.tx.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	found := make(map[int]bool)
	var ord int
	_, err = pgx.ForEachRow(rows, []any{&ord}, func() error {
		found[ord] = true
		return nil
	})
	return found, err
}
