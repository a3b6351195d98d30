package catalog

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"metadb/internal/change"
	"metadb/internal/datatype"
	"metadb/internal/ident"
)

const columnsSQL = `
	SELECT a.attrelid, a.attname, a.atttypid, a.atttypmod, pg_catalog.format_type(a.atttypid, a.atttypmod)
		FROM pg_catalog.pg_attribute AS a
		WHERE a.attrelid = ANY($1) AND a.attnum > 0 AND NOT a.attisdropped
		ORDER BY a.attrelid, a.attnum`

// columns reads the columns of the main tables, under their stored names.
func (l *loader) columns(ctx context.Context) error {
	rows, err := l.db.Query(ctx, columnsSQL, l.mains())
	if err != nil {
		return fmt.Errorf("columns: %w", err)
	}
	types := typesByOID()
	var oid, typeOID uint32
	var modifier int32
	var stored, typeName string
	_, err = pgx.ForEachRow(rows, []any{&oid, &stored, &typeOID, &modifier, &typeName}, func() error {
		name := ident.Name(stored)
		if ident.IsMetadata(name) {
			return nil
		}
		t := l.byMain[oid]
		kind, known := types[typeOID]
		if !known || modifier >= 0 {
			return fmt.Errorf("table %s: column %s has type %s, which is none of Metadb's", t.Name, name.SQL(), typeName)
		}
		t.Columns = append(t.Columns, Column{Column: change.Column{Name: stored, Type: kind}, Stored: name})
		return nil
	})
	if err != nil {
		return fmt.Errorf("columns: %w", err)
	}
	return nil
}

// typesByOID returns the column types by their object identifiers in pg_type.
func typesByOID() map[uint32]change.Type {
	types := make(map[uint32]change.Type, change.TypeCount)
	for t := change.Text; int(t) < change.TypeCount; t++ {
		types[datatype.OID(t)] = t
	}
	return types
}

const renamedSQL = `
	SELECT schema_name, table_name, stored_name, source_name
		FROM metadb.target_column`

// renamed puts in the names at the source where those are others.
func (l *loader) renamed(ctx context.Context) error {
	rows, err := l.db.Query(ctx, renamedSQL)
	if err != nil {
		return fmt.Errorf("column names: %w", err)
	}
	var name change.Table
	var stored, source string
	_, err = pgx.ForEachRow(rows, []any{&name.Schema, &name.Name, &stored, &source}, func() error {
		t := l.byName[name]
		if t == nil {
			return nil
		}
		at := slices.IndexFunc(t.Columns, func(c Column) bool { return c.Stored == ident.Name(stored) })
		if at >= 0 {
			t.Columns[at].Name = source
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("column names: %w", err)
	}
	return nil
}

// keys finds the key's columns by their names at the source.
func (l *loader) keys(context.Context) error {
	for _, t := range l.found {
		for _, name := range l.keyNames[t] {
			at := t.Column(name)
			if at < 0 {
				return fmt.Errorf("table %s: the key's column %q is missing", t.Name, name)
			}
			t.Key = append(t.Key, at)
		}
	}
	return nil
}
