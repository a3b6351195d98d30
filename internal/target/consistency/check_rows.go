package consistency

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"metadb/internal/ident"
	"metadb/internal/transform/jsonmap"
)

// The checks of rows.
const (
	repeatedKey       = "more than one current row of a key"
	currentDisagrees  = "__current and __end disagree"
	misplacedRow      = "row in the wrong partition"
	reversedRange     = "validity range runs backwards"
	overlappingRanges = "validity ranges overlap"
	orphanedRow       = "transformed row without a current parent"
	maxTimeSQL        = "'9999-12-31 00:00:00+00'::timestamptz"
	currentAgreesSQL  = "(v.__current = (v.__end = " + maxTimeSQL + "))"
)

// checkCurrentKeys finds keys with several current rows.
func (v *verifier) checkCurrentKeys(ctx context.Context, t *targetTable) (found bool, err error) {
	count, err := v.runCheck(ctx, t.displayName(), repeatedKey, countingSQL("SELECT "+t.keyTextSQL("v")+" AS example FROM "+t.current.SQL()+
		" AS v GROUP BY "+t.identitySQL()+" HAVING count(*) > 1"))
	return count > 0, err
}

// checkCurrentFlags finds rows that are current and have ended, or the reverse.
func (v *verifier) checkCurrentFlags(ctx context.Context, t *targetTable) error {
	_, err := v.runCheck(ctx, t.displayName(), currentDisagrees, countingSQL("SELECT "+t.keyTextSQL("v")+" AS example FROM "+t.main.SQL()+" AS v WHERE NOT "+currentAgreesSQL))
	return err
}

// checkPlacement finds rows in the wrong partition.
func (v *verifier) checkPlacement(ctx context.Context, t *targetTable) error {
	var years []string
	err := v.inReadOnlyTx(ctx, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, "SELECT c.relname::text FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = to_regclass($1)", t.history.SQL())
		if err != nil {
			return err
		}
		years, err = pgx.CollectRows(rows, pgx.RowTo[string])
		return err
	})
	if err != nil {
		return fmt.Errorf("look for %s: %w", misplacedRow, err)
	}
	_, err = v.runCheck(ctx, t.displayName(), misplacedRow, countingSQL("SELECT "+t.keyTextSQL("v")+" AS example FROM "+t.main.SQL()+" AS v"+
		" LEFT JOIN (VALUES (0::oid, '-infinity'::timestamptz, 'infinity'::timestamptz)"+yearBoundsSQL(t, years)+") AS year (part, since, until) ON year.part = v.tableoid"+
		" WHERE v.__current <> (v.tableoid = $1::text::regclass) OR v.__start < year.since OR v.__start >= year.until"), t.current.SQL())
	return err
}

// checkRangeOrder finds versions that end before they begin.
func (v *verifier) checkRangeOrder(ctx context.Context, t *targetTable) error {
	_, err := v.runCheck(ctx, t.displayName(), reversedRange, countingSQL("SELECT "+t.keyTextSQL("v")+" AS example FROM "+t.main.SQL()+" AS v WHERE v.__end < v.__start"))
	return err
}

// checkOverlaps finds versions of a key that begin before the previous one has ended. It leaves out the
// findings of other checks: several current rows, rows that contradict themselves, ranges that run
// backwards.
func (v *verifier) checkOverlaps(ctx context.Context, t *targetTable) error {
	_, err := v.runCheck(ctx, t.displayName(), overlappingRanges, countingSQL("SELECT "+t.keyTextSQL("v")+" AS example FROM ("+
		"SELECT v.*, lead(v.__start) OVER versions AS next_start, lead(v.__current) OVER versions AS next_current FROM "+t.main.SQL()+" AS v"+
		" WHERE v.__end >= v.__start AND "+currentAgreesSQL+
		" WINDOW versions AS (PARTITION BY "+t.identitySQL()+" ORDER BY v.__start, v.__end, v.__id)) AS v"+
		" WHERE v.next_start < v.__end AND NOT (v.__current AND v.next_current)"))
	return err
}

// checkOrphans finds current transformed rows without a current parent.
func (v *verifier) checkOrphans(ctx context.Context, t *targetTable, all []*targetTable) error {
	rows := "SELECT " + t.keyTextSQL("c") + " AS example FROM " + t.current.SQL() + " AS c"
	parent := findByCurrent(all, t.parent)
	if parent == nil {
		_, err := v.runCheck(ctx, t.displayName(), orphanedRow, countingSQL(rows))
		return err
	}
	roots := parentKeyColumns(t, parent)
	if roots == nil {
		// The parent has another key by now: the transformed rows can't be matched with its rows.
		return nil
	}
	_, err := v.runCheck(ctx, t.displayName(), orphanedRow, countingSQL(withoutPartnerSQL(rows, "c", "p", parent, roots)))
	return err
}

// parentKeyColumn is a pair of columns: one of a transformed table, and the key column of its parent that it
// holds.
type parentKeyColumn struct{ child, parent ident.Name }

// parentKeyColumns returns the columns that hold the parent's key, nil where one is missing.
func parentKeyColumns(child, parent *targetTable) []parentKeyColumn {
	var roots []parentKeyColumn
	for i, source := range parent.keySourceNames {
		wanted, found := jsonmap.ParentKeyColumn(source), false
		for j, name := range child.keySourceNames {
			if name == wanted {
				roots, found = append(roots, parentKeyColumn{child.key[j], parent.key[i]}), true
			}
		}
		if !found {
			return nil
		}
	}
	return roots
}

// withoutPartnerSQL restricts a query to the rows, under the name alias, without a current row of the
// same key in partner. It has one branch for keys without NULL, which is a join of whole sets, and
// one for the few keys with NULL. A condition of the query has to be in parentheses.
func withoutPartnerSQL(rows, alias, other string, partner *targetTable, roots []parentKeyColumn) string {
	where := " WHERE "
	if strings.Contains(rows, where) {
		where = " AND "
	}
	equal, same, whole := other+".__origin = "+alias+".__origin", other+".__origin = "+alias+".__origin", "true"
	for _, r := range roots {
		mine, theirs := r.child, r.parent
		if alias == "p" {
			mine, theirs = r.parent, r.child
		}
		a, b := alias+"."+mine.SQL(), other+"."+theirs.SQL()
		equal += " AND " + b + " = " + a
		same += " AND " + b + " IS NOT DISTINCT FROM " + a
		whole += " AND " + a + " IS NOT NULL"
	}
	missing := func(condition string) string {
		return "NOT EXISTS (SELECT FROM " + partner.current.SQL() + " AS " + other + " WHERE " + condition + ")"
	}
	return rows + where + whole + " AND " + missing(equal) + " UNION ALL " + rows + where + "NOT (" + whole + ") AND " + missing(same)
}

// findByCurrent returns the table with a current table, nil if there is no such table.
func findByCurrent(all []*targetTable, current ident.Qualified) *targetTable {
	for _, t := range all {
		if t.current == current {
			return t
		}
	}
	return nil
}

// quoteLiteral returns a text as a constant: a relation's name for regclass, which takes no
// parameter without a type inside VALUES, or a member's name.
func quoteLiteral(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }
