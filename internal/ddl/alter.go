package ddl

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"metadb/internal/catalog"
	"metadb/internal/change"
	"metadb/internal/datatype"
)

// sessionSQL sets the formats of docs/spec/02-types.md#schema-changes, in which values of columns
// that become text are printed.
const sessionSQL = `
	SET LOCAL timezone = 'UTC';
	SET LOCAL datestyle = 'ISO';
	SET LOCAL intervalstyle = 'postgres';
	SET LOCAL bytea_output = 'hex';
	SET LOCAL extra_float_digits = 1`

// retyped is a column with a change of type.
type retyped struct {
	column   int
	from, to change.Type
	// using is the expression that converts the stored values, through every type in between.
	using string
}

// alterColumns adds columns and changes types, in one statement.
func (x *execution) alterColumns(ctx context.Context) error {
	added := x.added()
	changed := x.retyped()
	if len(added) == 0 && len(changed) == 0 {
		return nil
	}
	lz4, err := hasLZ4(ctx, x.tx)
	if err != nil {
		return err
	}
	b := &builder{table: x.table, lz4: lz4}
	actions := make([]string, 0, len(added)+len(changed))
	for _, column := range added {
		actions = append(actions, "ADD COLUMN "+b.column(column))
	}
	for _, r := range changed {
		actions = append(actions, b.retype(r)...)
	}
	if len(changed) > 0 {
		b.add(sessionSQL)
	}
	b.add("ALTER TABLE ", x.table.Main.SQL(), " ", strings.Join(actions, ", "))
	start := time.Now()
	if err := b.run(ctx, x.tx); err != nil {
		return err
	}
	x.logRetyped(changed, time.Since(start))
	return nil
}

// added returns the new columns that the database lacks. A column of the same name that Metadb did
// not create is taken over instead.
func (x *execution) added() []catalog.Column {
	return slices.DeleteFunc(slices.Clone(x.table.Columns[len(x.delta.Before.Columns):]), func(c catalog.Column) bool {
		return slices.ContainsFunc(x.delta.Before.Foreign, func(f catalog.Column) bool { return f.Stored == c.Stored })
	})
}

// retyped returns the columns of Before with a change of type, each with the path of its values
// through the types.
func (x *execution) retyped() []retyped {
	var changed []retyped
	for _, step := range x.delta.Steps {
		if step.Column >= len(x.delta.Before.Columns) {
			continue
		}
		at := slices.IndexFunc(changed, func(r retyped) bool { return r.column == step.Column })
		if at < 0 {
			at = len(changed)
			changed = append(changed, retyped{
				column: step.Column, from: step.From,
				using: x.table.Columns[step.Column].Stored.SQL(),
			})
		}
		changed[at].using = datatype.CastSQL(changed[at].using, step.From, step.To)
		changed[at].to = step.To
	}
	return changed
}

// retype returns the actions of ALTER TABLE that change a column's type.
func (b *builder) retype(r retyped) []string {
	name := b.table.Columns[r.column].Stored.SQL()
	actions := []string{"ALTER COLUMN " + name + " TYPE " + r.to.String() + " USING " + r.using}
	if b.lz4 && isCompressed(r.to) {
		actions = append(actions, "ALTER COLUMN "+name+" SET COMPRESSION lz4")
	}
	return actions
}

func (x *execution) logRetyped(changed []retyped, took time.Duration) {
	for _, r := range changed {
		x.log.Info(fmt.Sprintf("table %s: type of column %s changed from %s to %s",
			x.table.Name, x.table.Columns[r.column].Name, r.from, r.to),
			slog.Duration("duration", took.Round(time.Millisecond)))
	}
}
