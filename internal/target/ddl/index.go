package ddl

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"metadb/internal/change"
	"metadb/internal/ident"
	"metadb/internal/target/catalog"
	"metadb/internal/target/pgcode"
)

// columnIndex is an index on one column: __id, a column of the key or a uuid column.
type columnIndex struct {
	column ident.Name
	// historyOnly leaves out the current table, where the unique index begins with that column, and
	// so the main table too.
	historyOnly bool
}

// wantedIndexes returns the indexes that a table should have in addition to the unique one.
func wantedIndexes(t *catalog.Table) []columnIndex {
	indexes := []columnIndex{{column: ident.ID}}
	for i, at := range t.Key {
		indexes = append(indexes, columnIndex{column: t.Columns[at].Stored, historyOnly: i == 0})
	}
	for i, column := range t.Columns {
		if column.Type == change.UUID && !slices.Contains(t.Key, i) {
			indexes = append(indexes, columnIndex{column: column.Stored})
		}
	}
	return indexes
}

// createIndexes creates indexes, from the leaves upward: the index of a partitioned table adopts
// the equal ones of its partitions. So every index has a name that Metadb chose.
func (b *statementBuilder) createIndexes(indexes []columnIndex) {
	for _, ix := range indexes {
		for _, year := range b.table.Years {
			b.createIndex(b.table.Year(year), ix.column)
		}
		b.createIndex(b.table.History, ix.column)
		if !ix.historyOnly {
			b.createIndex(b.table.Current, ix.column)
			b.createIndex(b.table.Main, ix.column)
		}
	}
}

// createIndex makes one index, unless it is there from an earlier time.
func (b *statementBuilder) createIndex(relation ident.Qualified, column ident.Name) {
	b.addStatement("CREATE INDEX IF NOT EXISTS ", ident.Index(relation.Name, string(column)).SQL(),
		" ON ", relation.SQL(), " (", column.SQL(), ")")
}

// keyIndexName names the index on the current table's key.
func keyIndexName(t *catalog.Table) ident.Qualified {
	return ident.Qualified{Schema: t.Current.Schema, Name: ident.Index(t.Current.Name, "__key")}
}

// IsOwnIndex reports whether an index on a relation of the table is one that this
// package makes.
func IsOwnIndex(t *catalog.Table, relation, name ident.Name) bool {
	if name == keyIndexName(t).Name {
		return true
	}
	return slices.ContainsFunc(wantedIndexes(t), func(ix columnIndex) bool { return ident.Index(relation, string(ix.column)) == name })
}

// keyIndexFillFactor is how full, in percent, the pages of the index on the key are
// made. New versions of old rows come at random: with PostgreSQL's 90 the first
// round of them splits every page, which costs a quarter of an insertion.
const keyIndexFillFactor = "70"

// createKeyIndex creates the index on key and __origin of the current table, as a unique one or an
// ordinary one.
func (b *statementBuilder) createKeyIndex(unique bool) {
	columns := make([]ident.Name, 0, len(b.table.Key)+1)
	for _, at := range b.table.Key {
		columns = append(columns, b.table.Columns[at].Stored)
	}
	columns = append(columns, ident.Origin)
	create, nulls := "CREATE INDEX ", ""
	if unique {
		create, nulls = "CREATE UNIQUE INDEX ", " NULLS NOT DISTINCT"
	}
	b.addStatement(create, keyIndexName(b.table).Name.SQL(), " ON ", b.table.Current.SQL(), " (", ident.List(columns), ")", nulls,
		" WITH (fillfactor = ", keyIndexFillFactor, ")")
}

// changeKey replaces the index on the key when other columns identify a row.
func (x *deltaExecution) changeKey(ctx context.Context) error {
	if !x.delta.KeyChanged {
		return nil
	}
	return rebuildKeyIndex(ctx, x.tx, x.table)
}

// EnsureUniqueKey tries again, in tx, to build a unique index on the key of a table that is not
// [catalog.Table.UniqueKey], and returns the table with the result. It locks the current table
// against writes while it builds the index.
func EnsureUniqueKey(ctx context.Context, tx pgx.Tx, t *catalog.Table) (*catalog.Table, error) {
	if t.UniqueKey {
		return t, nil
	}
	after := t.Clone()
	if err := rebuildKeyIndex(ctx, tx, after); err != nil {
		return nil, fmt.Errorf("guard the key of table %s: %w", t.Name, withDetail(err))
	}
	return after, nil
}

// rebuildKeyIndex builds the index on the key again: a unique one if the current rows allow it, otherwise an
// ordinary one. It sets table.Guarded.
func rebuildKeyIndex(ctx context.Context, tx pgx.Tx, table *catalog.Table) error {
	drop := &statementBuilder{}
	drop.addStatement("DROP INDEX IF EXISTS ", keyIndexName(table).SQL())
	if err := drop.sendStatements(ctx, tx); err != nil {
		return err
	}
	err := pgx.BeginFunc(ctx, tx, func(savepoint pgx.Tx) error {
		b := &statementBuilder{table: table}
		b.createKeyIndex(true)
		return b.sendStatements(ctx, savepoint)
	})
	table.UniqueKey, table.MissingParts.KeyIndex = err == nil, false
	if !pgcode.IsUniqueViolation(err) {
		return err
	}
	b := &statementBuilder{table: table}
	b.createKeyIndex(false)
	return b.sendStatements(ctx, tx)
}

// RestoreMissing creates the parts that the table lacks, in tx, and returns the repaired table: t itself
// if it lacks no part.
func RestoreMissing(ctx context.Context, tx pgx.Tx, t *catalog.Table) (*catalog.Table, error) {
	if t.MissingParts == (catalog.MissingParts{}) {
		return t, nil
	}
	after := t.Clone()
	if t.MissingParts.Sync {
		b := &statementBuilder{table: after}
		b.createSync()
		if err := b.sendStatements(ctx, tx); err != nil {
			return nil, fmt.Errorf("make table %s again: %w", t.Sync, withDetail(err))
		}
		after.MissingParts.Sync = false
	}
	if t.MissingParts.KeyIndex {
		if err := rebuildKeyIndex(ctx, tx, after); err != nil {
			return nil, fmt.Errorf("make the index on the key of table %s again: %w", t.Name, withDetail(err))
		}
	}
	return after, nil
}

// addIndexes creates the indexes that the table needs after the change and did not need before.
// Indexes that are no longer needed stay.
func (x *deltaExecution) addIndexes(ctx context.Context) error {
	had := wantedIndexes(x.delta.Before)
	wanted := slices.DeleteFunc(wantedIndexes(x.table), func(ix columnIndex) bool { return slices.Contains(had, ix) })
	existing := x.table.Clone()
	existing.Years = x.delta.Before.Years
	b := &statementBuilder{table: existing}
	b.createIndexes(wanted)
	return b.sendStatements(ctx, x.tx)
}
