package consistency

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"metadb/internal/change"
	"metadb/internal/ident"
	"metadb/internal/transform/jsonmap"
)

// missingTransformedRow is the name of the check of parents.
const missingTransformedRow = "parent without its transformed row"

// checkDocuments looks for current rows that lack transformed rows which their JSON should have. The
// database finds the rows that lack them; the code that transforms documents decides whether there
// should be some. A table is skipped unless its mappings have been applied to all rows.
func (v *verifier) checkDocuments(ctx context.Context, t *targetTable, all []*targetTable) error {
	if t.mappingFingerprint == "" {
		return nil
	}
	mappings, err := v.loadMappings(ctx, t)
	if err != nil {
		return err
	}
	set := jsonmap.Compile(mappings)
	if set.IsEmpty() || set.Fingerprint() != t.mappingFingerprint {
		return nil
	}
	for i, target := range set.Targets {
		at := slices.IndexFunc(mappings, func(m jsonmap.Mapping) bool { return m.Target == target })
		if at < 0 {
			continue
		}
		if err := v.checkParents(ctx, t, findChild(t, target, all), documentCheck{set: set, table: i, mapping: mappings[at]}); err != nil {
			return fmt.Errorf("look for %s: %w", missingTransformedRow, err)
		}
	}
	return nil
}

// loadMappings reads the mappings of a table.
func (v *verifier) loadMappings(ctx context.Context, t *targetTable) ([]jsonmap.Mapping, error) {
	var found []jsonmap.Mapping
	err := v.inReadOnlyTx(ctx, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, "SELECT column_name, path, map FROM metadb.transform_json WHERE schema_name = $1 AND table_name = $2 ORDER BY 1, 2, 3",
			string(t.current.Schema), string(t.current.Name))
		if err != nil {
			return err
		}
		found, err = pgx.CollectRows(rows, pgx.RowToStructByPos[jsonmap.Mapping])
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the data mappings: %w", err)
	}
	return found, nil
}

// findChild returns the transformed table of a target, nil if it does not exist.
func findChild(t *targetTable, target string, all []*targetTable) *targetTable {
	name := change.Table{Schema: t.name.Schema, Name: t.name.Name + "__" + target}
	for _, child := range all {
		if child.name == name && child.transformed {
			return child
		}
	}
	return nil
}

// documentCheck identifies the transformed table that is checked: its index in the set, and its
// mapping.
type documentCheck struct {
	set     *jsonmap.MappingSet
	table   int
	mapping jsonmap.Mapping
}

// checkParents checks the parents of one transformed table. It reads documents one by one, so that
// they need not fit into memory together.
func (v *verifier) checkParents(ctx context.Context, t, child *targetTable, c documentCheck) error {
	sql, err := c.candidatesSQL(t, child)
	if err != nil || sql == "" {
		return err
	}
	f := Finding{Table: t.displayName(), Check: missingTransformedRow}
	err = v.inReadOnlyTx(ctx, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, sql)
		if err != nil {
			return err
		}
		var key string
		texts := make([][]byte, len(c.set.Columns))
		into := []any{&key}
		for i := range texts {
			into = append(into, &texts[i])
		}
		_, err = pgx.ForEachRow(rows, into, func() error {
			if !c.makesRows(texts) {
				return nil
			}
			if f.Count++; f.Count <= 3 {
				f.Examples += " " + key
			}
			return nil
		})
		return err
	})
	if err == nil && f.Count > 0 {
		f.Examples = f.Examples[1:] + " in " + t.name.Name + "__" + c.mapping.Target
		v.findings = append(v.findings, f)
	}
	return err
}

// candidatesSQL returns the query for the keys and documents of current rows that have a document with
// the path's last name in it and no transformed row; empty where the transformed table lacks
// columns of the parent's key.
func (c documentCheck) candidatesSQL(t, child *targetTable) (string, error) {
	rows := "SELECT " + t.keyTextSQL("p") + " AS example"
	for _, column := range c.set.Columns {
		rows += ", p." + ident.Name(column).SQL() + "::text"
	}
	document := "p." + ident.Name(c.mapping.Column).SQL()
	rows += " FROM " + t.current.SQL() + " AS p WHERE " + document + " IS NOT NULL"
	names, err := jsonmap.ParsePath(c.mapping.Path)
	if err != nil {
		return "", err
	}
	if len(names) > 0 {
		last, err := json.Marshal(names[len(names)-1])
		if err != nil {
			return "", err
		}
		// A document without that word has no value at the path.
		rows += " AND strpos(" + document + "::text, " + quoteLiteral(string(last)) + ") > 0"
	}
	if child == nil {
		return rows, nil
	}
	roots := parentKeyColumns(child, t)
	if roots == nil {
		return "", nil
	}
	return withoutPartnerSQL(rows, "p", "c", child, roots), nil
}

// makesRows reports whether documents make a row of the transformed table.
func (c documentCheck) makesRows(texts [][]byte) bool {
	documents := make([][]byte, len(texts))
	for i, text := range texts {
		documents[i] = jsonmap.ValidJSON(text)
	}
	rows := jsonmap.NewRows(c.set)
	layout := jsonmap.NewLayout(c.set, func(string) []change.Column { return nil })
	from, to := rows.RowRange(layout.AddDocument(rows, documents), c.table)
	return to > from
}
