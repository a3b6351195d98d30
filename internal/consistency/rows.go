package consistency

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"metadb/internal/ident"
	"metadb/internal/transform"
)

// The checks of rows.
const (
	repeatedKey  = "more than one current row of a key"
	disagreeing  = "__current and __end disagree"
	misplaced    = "row in the wrong partition"
	backwards    = "validity range runs backwards"
	overlapping  = "validity ranges overlap"
	orphaned     = "transformed row without a current parent"
	forever      = "'9999-12-31 00:00:00+00'::timestamptz"
	currentAgree = "(v.__current = (v.__end = " + forever + "))"
)

// currentKeys finds keys with several current rows.
func (v *verification) currentKeys(ctx context.Context, t *table) (found bool, err error) {
	count, err := v.find(ctx, t.shown(), repeatedKey, counted("SELECT "+t.example("v")+" AS example FROM "+t.current.SQL()+
		" AS v GROUP BY "+t.identity()+" HAVING count(*) > 1"))
	return count > 0, err
}

// ends finds rows that are current and have ended, or the reverse.
func (v *verification) ends(ctx context.Context, t *table) error {
	_, err := v.find(ctx, t.shown(), disagreeing, counted("SELECT "+t.example("v")+" AS example FROM "+t.main.SQL()+" AS v WHERE NOT "+currentAgree))
	return err
}

// places finds rows in the wrong partition.
func (v *verification) places(ctx context.Context, t *table) error {
	var years []string
	err := v.reading(ctx, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, "SELECT c.relname::text FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = to_regclass($1)", t.history.SQL())
		if err != nil {
			return err
		}
		years, err = pgx.CollectRows(rows, pgx.RowTo[string])
		return err
	})
	if err != nil {
		return fmt.Errorf("look for %s: %w", misplaced, err)
	}
	_, err = v.find(ctx, t.shown(), misplaced, counted("SELECT "+t.example("v")+" AS example FROM "+t.main.SQL()+" AS v"+
		" LEFT JOIN (VALUES (0::oid, '-infinity'::timestamptz, 'infinity'::timestamptz)"+yearBounds(t, years)+") AS year (part, since, until) ON year.part = v.tableoid"+
		" WHERE v.__current <> (v.tableoid = $1::text::regclass) OR v.__start < year.since OR v.__start >= year.until"), t.current.SQL())
	return err
}

// directions finds versions that end before they begin.
func (v *verification) directions(ctx context.Context, t *table) error {
	_, err := v.find(ctx, t.shown(), backwards, counted("SELECT "+t.example("v")+" AS example FROM "+t.main.SQL()+" AS v WHERE v.__end < v.__start"))
	return err
}

// overlaps finds versions of a key that begin before the previous one has ended. It leaves out the
// findings of other checks: several current rows, rows that contradict themselves, ranges that run
// backwards.
func (v *verification) overlaps(ctx context.Context, t *table) error {
	_, err := v.find(ctx, t.shown(), overlapping, counted("SELECT "+t.example("v")+" AS example FROM ("+
		"SELECT v.*, lead(v.__start) OVER versions AS next_start, lead(v.__current) OVER versions AS next_current FROM "+t.main.SQL()+" AS v"+
		" WHERE v.__end >= v.__start AND "+currentAgree+
		" WINDOW versions AS (PARTITION BY "+t.identity()+" ORDER BY v.__start, v.__end, v.__id)) AS v"+
		" WHERE v.next_start < v.__end AND NOT (v.__current AND v.next_current)"))
	return err
}

// orphans finds current transformed rows without a current parent.
func (v *verification) orphans(ctx context.Context, t *table, all []*table) error {
	rows := "SELECT " + t.example("c") + " AS example FROM " + t.current.SQL() + " AS c"
	parent := named(all, t.parent)
	if parent == nil {
		_, err := v.find(ctx, t.shown(), orphaned, counted(rows))
		return err
	}
	roots := rootsOf(t, parent)
	if roots == nil {
		// The parent has another key by now: the transformed rows can't be matched with its rows.
		return nil
	}
	_, err := v.find(ctx, t.shown(), orphaned, counted(withoutPartner(rows, "c", "p", parent, roots)))
	return err
}

// root is a pair of columns: one of a transformed table, and the key column of its parent that it
// holds.
type root struct{ child, parent ident.Name }

// rootsOf returns the columns that hold the parent's key, nil where one is missing.
func rootsOf(child, parent *table) []root {
	var roots []root
	for i, source := range parent.keySource {
		wanted, found := transform.RootColumn(source), false
		for j, name := range child.keySource {
			if name == wanted {
				roots, found = append(roots, root{child.key[j], parent.key[i]}), true
			}
		}
		if !found {
			return nil
		}
	}
	return roots
}

// withoutPartner restricts a query to the rows, under the name alias, without a current row of the
// same key in partner. It has one branch for keys without NULL, which is a join of whole sets, and
// one for the few keys with NULL. A condition of the query has to be in parentheses.
func withoutPartner(rows, alias, other string, partner *table, roots []root) string {
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

// named returns the table with a current table, nil if there is no such table.
func named(all []*table, current ident.Qualified) *table {
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
