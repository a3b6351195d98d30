package history

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"

	"metadb/internal/ident"
	"metadb/internal/transform"
)

// held are the positions of rows that transformed tables have now, by the number
// of the lineage: table and positions.
type held map[int][]heldRow

type heldRow struct {
	table int
	ords  []int32
}

// parents are versions of a table by their ids, each of the lineage with that
// number, and where they stand.
type parents struct {
	from    ident.Qualified
	ids     []int64
	numbers []int
}

// readHeld asks the transformed tables which rows they have of parents: where
// nothing says that they have just those of the parents' documents.
func (r *run) readHeld(ctx context.Context, t *target, set *transform.Set, of parents) (held, error) {
	if len(of.ids) == 0 {
		return nil, nil
	}
	found := make(held)
	for table, target := range set.Targets {
		child := r.child(childName(t.table.Name, target))
		if child == nil || !hasRoot(child.table, t.table) {
			continue
		}
		places := set.Places(table)
		ords := ""
		for _, name := range places {
			if at := child.table.Column(name); at >= 0 {
				ords += ", c." + child.table.Columns[at].Stored.SQL()
			} else {
				ords += ", NULL::integer"
			}
		}
		take := func(row [][]byte) {
			positions := make([]int32, len(places))
			for i := range places {
				if row[1+i] != nil {
					positions[i] = int32(binary.BigEndian.Uint32(row[1+i]))
				}
			}
			line := of.numbers[binary.BigEndian.Uint64(row[0])-1]
			found[line] = append(found[line], heldRow{table: table, ords: positions})
		}
		// OFFSET keeps PostgreSQL from beginning with the transformed table.
		for _, same := range sameRoots(child.table, t.table) {
			sql := "SELECT e.ord" + ords + " FROM unnest($1::bigint[]) WITH ORDINALITY AS e (id, ord) " + byID(of.from) +
				" CROSS JOIN LATERAL (SELECT c.* FROM " + child.table.Current.SQL() + " AS c WHERE " + same + " OFFSET 0) AS c"
			if err := r.read(ctx, sql, [][]byte{int8Array(of.ids)}, take); err != nil {
				return nil, fmt.Errorf("find transformed rows: %w", err)
			}
		}
	}
	return found, nil
}

// sorted returns the rows by table and position, each once.
func sortedRows(rows []heldRow) []heldRow {
	slices.SortFunc(rows, func(a, b heldRow) int {
		if a.table != b.table {
			return a.table - b.table
		}
		return slices.Compare(a.ords, b.ords)
	})
	return slices.CompactFunc(rows, func(a, b heldRow) bool { return a.table == b.table && slices.Equal(a.ords, b.ords) })
}
