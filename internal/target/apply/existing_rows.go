package apply

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"

	"metadb/internal/ident"
	"metadb/internal/target/pgbinary"
	"metadb/internal/transform/jsonmap"
)

// existingRows are the current rows of transformed tables, each with its table and positions, by
// the number of the parent's row effect.
type existingRows map[int][]existingRow

type existingRow struct {
	table     int
	positions []int32
}

// parentVersions are the ids of versions of a parent table, each with the number of its row effect.
// from is the relation that contains them.
type parentVersions struct {
	from    ident.Qualified
	ids     []int64
	effects []int
}

// readExistingRows reads the positions of the rows that the transformed tables have for parents. It
// is needed where the transformed tables may not match the documents of their parents.
func (r *batchTx) readExistingRows(ctx context.Context, t *tableState, set *jsonmap.MappingSet, of parentVersions) (existingRows, error) {
	if len(of.ids) == 0 {
		return nil, nil
	}
	found := make(existingRows)
	for table, target := range set.Targets {
		child := r.childState(childName(t.table.Name, target))
		if child == nil || !hasParentKey(child.table, t.table) {
			continue
		}
		places := set.PositionColumns(table)
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
			effect := of.effects[binary.BigEndian.Uint64(row[0])-1]
			found[effect] = append(found[effect], existingRow{table: table, positions: positions})
		}
		// OFFSET prevents PostgreSQL from beginning the join with the transformed table.
		for _, same := range sameParentSQL(child.table, t.table) {
			sql := "SELECT e.ord" + ords + " FROM unnest($1::bigint[]) WITH ORDINALITY AS e (id, ord) " + joinByID(of.from) +
				" CROSS JOIN LATERAL (SELECT c.* FROM " + child.table.Current.SQL() + " AS c WHERE " + same + " OFFSET 0) AS c"
			if err := pgbinary.Query(ctx, r.tx, sql, [][]byte{pgbinary.Int8Array(of.ids)}, take); err != nil {
				return nil, fmt.Errorf("find transformed rows: %w", err)
			}
		}
	}
	return found, nil
}

// sortExistingRows returns the rows sorted by table and positions, without duplicates.
func sortExistingRows(rows []existingRow) []existingRow {
	slices.SortFunc(rows, func(a, b existingRow) int {
		if a.table != b.table {
			return a.table - b.table
		}
		return slices.Compare(a.positions, b.positions)
	})
	return slices.CompactFunc(rows, func(a, b existingRow) bool { return a.table == b.table && slices.Equal(a.positions, b.positions) })
}
