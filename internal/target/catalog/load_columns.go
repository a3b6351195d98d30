package catalog

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"metadb/internal/change"
	"metadb/internal/datatype"
	"metadb/internal/ident"
)

const columnsSQL = `
	SELECT a.attrelid, a.attname, a.atttypid, a.atttypmod, pg_catalog.format_type(a.atttypid, a.atttypmod), a.attgenerated <> '',
			a.attnotnull AND NOT a.atthasdef AND a.attidentity = '',
			coalesce((SELECT l.collname FROM pg_catalog.pg_collation AS l WHERE l.oid = a.attcollation AND NOT l.collisdeterministic), '')
		FROM pg_catalog.pg_attribute AS a
		WHERE a.attrelid = ANY($1) AND a.attnum > 0 AND NOT a.attisdropped
		ORDER BY a.attrelid, a.attnum`

// pgAttribute is a column in PostgreSQL's catalog.
type pgAttribute struct {
	name      string
	typeOID   uint32
	modifier  int32
	typeName  string
	generated bool
	// required marks a column that is NOT NULL and has neither a default nor an identity.
	required bool
	// collation is the column's nondeterministic collation, empty if it has no such collation.
	collation string
}

// columnType returns the column's type, 0 for a type that Metadb does not use, or one with a modifier.
func (a *pgAttribute) columnType() change.Type {
	if a.modifier != -1 {
		return 0
	}
	return typeByOID(a.typeOID)
}

// loadColumns reads the columns of the main tables, under their stored names.
func (l *catalogLoader) loadColumns(ctx context.Context) error {
	rows, err := l.db.Query(ctx, columnsSQL, l.mainOIDs())
	if err != nil {
		return fmt.Errorf("columns: %w", err)
	}
	meta := make(map[*loadedTable]map[ident.Name]bool)
	var oid uint32
	var a pgAttribute
	targets := []any{&oid, &a.name, &a.typeOID, &a.modifier, &a.typeName, &a.generated, &a.required, &a.collation}
	_, err = pgx.ForEachRow(rows, targets, func() error {
		e := l.byMain[oid]
		if name := ident.Name(a.name); ident.IsMetadata(name) {
			if meta[e] == nil {
				meta[e] = make(map[ident.Name]bool)
			}
			meta[e][name] = true
			e.checkMetadata(&a)
			return nil
		}
		e.addColumn(&a)
		return nil
	})
	if err != nil {
		return fmt.Errorf("columns: %w", err)
	}
	for _, e := range l.byMain {
		for _, name := range ident.Metadata() {
			if !meta[e][name] {
				e.setFault(&Fault{Problem: ColumnMissing, Relation: e.table.Main, Column: name})
			}
		}
	}
	return nil
}

// checkMetadata sets a fault where a metadata column is generated or has a wrong type.
func (e *loadedTable) checkMetadata(a *pgAttribute) {
	f := &Fault{Relation: e.table.Main, Column: ident.Name(a.name), Found: a.typeName}
	switch {
	case a.generated:
		f.Problem = ColumnGenerated
	case !isMetadataType(f.Column, a.typeOID):
		f.Problem = ColumnType
	default:
		return
	}
	e.setFault(f)
}

// isMetadataType reports whether a metadata column can have a type.
func isMetadataType(name ident.Name, oid uint32) bool {
	switch name {
	case ident.ID:
		return oid == pgtype.Int8OID
	case ident.Start, ident.End:
		return oid == pgtype.TimestamptzOID
	case ident.IsCurrent:
		return oid == pgtype.BoolOID
	}
	return oid == pgtype.VarcharOID || oid == pgtype.TextOID
}

// addColumn adds a column that Metadb created to the table's columns, and any other to its foreign
// ones.
func (e *loadedTable) addColumn(a *pgAttribute) {
	name, kind := ident.Name(a.name), a.columnType()
	f := &Fault{Relation: e.table.Main, Column: name}
	column := Column{Column: change.Column{Name: a.name, Type: kind}, Stored: name, Collation: ident.Name(a.collation)}
	if !slices.Contains(e.ownColumns, a.name) {
		if a.generated || a.collation != "" {
			column.Type = 0
		}
		e.table.UnmanagedColumns = append(e.table.UnmanagedColumns, column)
		if a.required && !a.generated {
			f.Problem = ColumnRequired
			e.setFault(f)
		}
		return
	}
	switch {
	case a.generated:
		f.Problem = ColumnGenerated
	case kind == 0:
		f.Problem, f.Found = ColumnType, a.typeName
	}
	if f.Problem != "" {
		e.setFault(f)
	}
	e.table.Columns = append(e.table.Columns, column)
}

// typeByOID returns the column type with PostgreSQL's object identifier, 0 for a type that Metadb does
// not use.
func typeByOID(oid uint32) change.Type {
	for t := change.Text; int(t) < change.TypeCount; t++ {
		if datatype.InfoOf(t).OID == oid {
			return t
		}
	}
	return 0
}

const sourceNamesSQL = `
	SELECT schema_name, table_name, stored_name, source_name
		FROM metadb.target_column`

// loadSourceNames sets the names at the source that differ from the stored ones.
func (l *catalogLoader) loadSourceNames(ctx context.Context) error {
	rows, err := l.db.Query(ctx, sourceNamesSQL)
	if err != nil {
		return fmt.Errorf("column names: %w", err)
	}
	var name change.Table
	var stored, source string
	_, err = pgx.ForEachRow(rows, []any{&name.Schema, &name.Name, &stored, &source}, func() error {
		e := l.byName[name]
		if e == nil {
			return nil
		}
		columns := e.table.Columns
		at := slices.IndexFunc(columns, func(c Column) bool { return c.Stored == ident.Name(stored) })
		if at >= 0 {
			columns[at].Name = source
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("column names: %w", err)
	}
	return nil
}

// resolveKeys finds the key's columns by their names at the source, and checks their collations.
func (l *catalogLoader) resolveKeys(context.Context) error {
	mapped := make(map[change.Table]bool)
	for _, e := range l.byMain {
		mapped[e.table.Parent] = true
	}
	for _, e := range l.byMain {
		for _, name := range e.keyNames {
			at := e.table.Column(name)
			if at < 0 {
				e.setFault(&Fault{Problem: ColumnMissing, Relation: e.table.Main, Column: ident.Name(name)})
				continue
			}
			e.table.Key = append(e.table.Key, at)
			if e.table.MappingFingerprint != "" || e.table.IsTransformed() || mapped[e.table.Name] {
				e.checkKeyCollation(&e.table.Columns[at])
			}
		}
	}
	return nil
}

// checkKeyCollation sets a fault where a key column has a nondeterministic collation: its values
// would be compared with keys of transformed tables, where different texts always differ.
func (e *loadedTable) checkKeyCollation(c *Column) {
	if c.Collation == "" {
		return
	}
	e.setFault(&Fault{Problem: ColumnCollation, Relation: e.table.Main, Column: c.Stored, Found: c.Collation.SQL()})
}

const keyIndexesSQL = `
	SELECT i.indrelid, i.indisunique AND i.indimmediate AND i.indnullsnotdistinct,
			ARRAY(SELECT a.attname::text FROM unnest(i.indkey::smallint[]) AS k (attnum)
				JOIN pg_catalog.pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = k.attnum)
		FROM pg_catalog.pg_index AS i
		WHERE i.indrelid = ANY($1) AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL AND i.indnatts = i.indnkeyatts`

// loadKeyIndexes finds the indexes on the key and __origin of the current tables. It compares their
// columns, since an index is easily renamed.
func (l *catalogLoader) loadKeyIndexes(ctx context.Context) error {
	currents := make(map[uint32]*loadedTable, len(l.byMain))
	oids := make([]uint32, 0, len(l.byMain))
	for _, e := range l.byMain {
		if e.currentOID != 0 {
			currents[e.currentOID] = e
			oids = append(oids, e.currentOID)
			e.table.MissingParts.KeyIndex = true
		}
	}
	rows, err := l.db.Query(ctx, keyIndexesSQL, oids)
	if err != nil {
		return fmt.Errorf("indexes of keys: %w", err)
	}
	var oid uint32
	var unique bool
	var columns []string
	_, err = pgx.ForEachRow(rows, []any{&oid, &unique, &columns}, func() error {
		if t := currents[oid].table; t.isKeyOf(columns) {
			t.MissingParts.KeyIndex = false
			t.UniqueKey = t.UniqueKey || unique
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("indexes of keys: %w", err)
	}
	return nil
}

// isKeyOf reports whether stored names are those of the key's columns and __origin, in
// any order.
func (t *Table) isKeyOf(stored []string) bool {
	if len(stored) != len(t.Key)+1 || !slices.Contains(stored, string(ident.Origin)) {
		return false
	}
	return !slices.ContainsFunc(t.Key, func(at int) bool { return !slices.Contains(stored, string(t.Columns[at].Stored)) })
}

func newTableName(schema, name string) change.Table { return change.Table{Schema: schema, Name: name} }
