package ddl

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"metadb/internal/catalog"
	"metadb/internal/change"
	"metadb/internal/ident"
)

// uniqueViolation is PostgreSQL's SQLSTATE for a duplicate key.
// https://www.postgresql.org/docs/current/errcodes-appendix.html
const uniqueViolation = "23505"

// index is an index on one column: __id, a column of the key or a uuid column.
type index struct {
	column ident.Name
	// historyOnly leaves out the current table, where the unique index begins with that column, and
	// so the main table too.
	historyOnly bool
}

// indexed returns the indexes that a table should have in addition to the unique one.
func indexed(t *catalog.Table) []index {
	indexes := []index{{column: ident.ID}}
	for i, at := range t.Key {
		indexes = append(indexes, index{column: t.Columns[at].Stored, historyOnly: i == 0})
	}
	for i, column := range t.Columns {
		if column.Type == change.UUID && !slices.Contains(t.Key, i) {
			indexes = append(indexes, index{column: column.Stored})
		}
	}
	return indexes
}

// createIndexes creates indexes, from the leaves upward: the index of a partitioned table adopts
// the equal ones of its partitions. So every index has a name that Metadb chose.
func (b *builder) createIndexes(indexes []index) {
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
func (b *builder) createIndex(relation ident.Qualified, column ident.Name) {
	b.add("CREATE INDEX IF NOT EXISTS ", ident.Index(relation.Name, string(column)).SQL(),
		" ON ", relation.SQL(), " (", column.SQL(), ")")
}

// uniqueIndex names the index on the current table's key.
func uniqueIndex(t *catalog.Table) ident.Qualified {
	return ident.Qualified{Schema: t.Current.Schema, Name: ident.Index(t.Current.Name, "__key")}
}

// IsOwnIndex reports whether an index on a relation of the table is one that this
// package makes.
func IsOwnIndex(t *catalog.Table, relation, name ident.Name) bool {
	if name == uniqueIndex(t).Name {
		return true
	}
	return slices.ContainsFunc(indexed(t), func(ix index) bool { return ident.Index(relation, string(ix.column)) == name })
}

// keyIndexFill is how full, in percent, the pages of the index on the key are
// made. New versions of old rows come at random: with PostgreSQL's 90 the first
// round of them splits every page, which costs a quarter of an insertion.
const keyIndexFill = "70"

// createUnique creates the index on key and __origin of the current table, as a unique one or an
// ordinary one.
func (b *builder) createUnique(unique bool) {
	columns := make([]ident.Name, 0, len(b.table.Key)+1)
	for _, at := range b.table.Key {
		columns = append(columns, b.table.Columns[at].Stored)
	}
	columns = append(columns, ident.Origin)
	create, nulls := "CREATE INDEX ", ""
	if unique {
		create, nulls = "CREATE UNIQUE INDEX ", " NULLS NOT DISTINCT"
	}
	b.add(create, uniqueIndex(b.table).Name.SQL(), " ON ", b.table.Current.SQL(), " (", ident.List(columns), ")", nulls,
		" WITH (fillfactor = ", keyIndexFill, ")")
}

// changeKey replaces the index on the key when other columns identify a row.
func (x *execution) changeKey(ctx context.Context) error {
	if !x.delta.KeyChanged {
		return nil
	}
	return guard(ctx, x.tx, x.table)
}

// Guard tries again, in tx, to build a unique index on the key of a table that is not
// [catalog.Table.Guarded], and returns the table with the result. It locks the current table
// against writes while it builds the index.
func Guard(ctx context.Context, tx pgx.Tx, t *catalog.Table) (*catalog.Table, error) {
	if t.Guarded {
		return t, nil
	}
	after := t.Clone()
	if err := guard(ctx, tx, after); err != nil {
		return nil, fmt.Errorf("guard the key of table %s: %w", t.Name, explain(err))
	}
	return after, nil
}

// guard builds the index on the key again: a unique one if the current rows allow it, otherwise an
// ordinary one. It sets table.Guarded.
func guard(ctx context.Context, tx pgx.Tx, table *catalog.Table) error {
	drop := &builder{}
	drop.add("DROP INDEX IF EXISTS ", uniqueIndex(table).SQL())
	if err := drop.run(ctx, tx); err != nil {
		return err
	}
	err := pgx.BeginFunc(ctx, tx, func(savepoint pgx.Tx) error {
		b := &builder{table: table}
		b.createUnique(true)
		return b.run(ctx, savepoint)
	})
	table.Guarded, table.Lacks.KeyIndex = err == nil, false
	var pg *pgconn.PgError
	if err == nil || !errors.As(err, &pg) || pg.Code != uniqueViolation {
		return err
	}
	b := &builder{table: table}
	b.createUnique(false)
	return b.run(ctx, tx)
}

// Restore creates the parts that the table lacks, in tx, and returns the repaired table: t itself
// if it lacks no part.
func Restore(ctx context.Context, tx pgx.Tx, t *catalog.Table) (*catalog.Table, error) {
	if t.Lacks == (catalog.Lacks{}) {
		return t, nil
	}
	after := t.Clone()
	if t.Lacks.Sync {
		b := &builder{table: after}
		b.createSync()
		if err := b.run(ctx, tx); err != nil {
			return nil, fmt.Errorf("make table %s again: %w", t.Sync, explain(err))
		}
		after.Lacks.Sync = false
	}
	if t.Lacks.KeyIndex {
		if err := guard(ctx, tx, after); err != nil {
			return nil, fmt.Errorf("make the index on the key of table %s again: %w", t.Name, explain(err))
		}
	}
	return after, nil
}

// indexColumns creates the indexes that the table needs after the change and did not need before.
// Indexes that are no longer needed stay.
func (x *execution) indexColumns(ctx context.Context) error {
	had := indexed(x.delta.Before)
	wanted := slices.DeleteFunc(indexed(x.table), func(ix index) bool { return slices.Contains(had, ix) })
	existing := x.table.Clone()
	existing.Years = x.delta.Before.Years
	b := &builder{table: existing}
	b.createIndexes(wanted)
	return b.run(ctx, x.tx)
}
