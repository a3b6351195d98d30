package ddl

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"metadb/internal/change"
	"metadb/internal/datatype"
	"metadb/internal/target/catalog"
)

// outputSettingsSQL sets the formats of docs/spec/02-types.md#schema-changes, in which values of columns
// that become text are printed.
const outputSettingsSQL = `
	SET LOCAL timezone = 'UTC';
	SET LOCAL datestyle = 'ISO';
	SET LOCAL intervalstyle = 'postgres';
	SET LOCAL bytea_output = 'hex';
	SET LOCAL extra_float_digits = 1`

// typeChange is a column with a change of type.
type typeChange struct {
	column   int
	from, to change.Type
	// usingSQL is the expression that converts the stored values, through every type in between.
	usingSQL string
}

// alterColumns adds columns and changes types, in one statement.
func (x *deltaExecution) alterColumns(ctx context.Context) error {
	added := x.addedColumns()
	changed := x.typeChanges()
	if len(added) == 0 && len(changed) == 0 {
		return nil
	}
	lz4, err := hasLZ4(ctx, x.tx)
	if err != nil {
		return err
	}
	b := &statementBuilder{table: x.table, lz4: lz4}
	actions := make([]string, 0, len(added)+len(changed))
	for _, column := range added {
		actions = append(actions, "ADD COLUMN "+b.columnDefinition(column))
	}
	for _, r := range changed {
		actions = append(actions, b.retypeActions(r)...)
	}
	if len(changed) > 0 {
		b.addStatement(outputSettingsSQL)
	}
	b.addStatement("ALTER TABLE ", x.table.Main.SQL(), " ", strings.Join(actions, ", "))
	start := time.Now()
	if err := b.sendStatements(ctx, x.tx); err != nil {
		return err
	}
	x.logTypeChanges(changed, time.Since(start))
	return nil
}

// addedColumns returns the new columns that the database lacks. A column of the same name that Metadb did
// not create is taken over instead.
func (x *deltaExecution) addedColumns() []catalog.Column {
	return slices.DeleteFunc(slices.Clone(x.table.Columns[len(x.delta.Before.Columns):]), func(c catalog.Column) bool {
		return slices.ContainsFunc(x.delta.Before.UnmanagedColumns, func(f catalog.Column) bool { return f.Stored == c.Stored })
	})
}

// typeChanges returns the columns of Before with a change of type, each with the path of its values
// through the types.
func (x *deltaExecution) typeChanges() []typeChange {
	var changed []typeChange
	for _, step := range x.delta.Steps {
		if step.Column >= len(x.delta.Before.Columns) {
			continue
		}
		at := slices.IndexFunc(changed, func(r typeChange) bool { return r.column == step.Column })
		if at < 0 {
			at = len(changed)
			changed = append(changed, typeChange{
				column: step.Column, from: step.From,
				usingSQL: x.table.Columns[step.Column].Stored.SQL(),
			})
		}
		changed[at].usingSQL = datatype.CastSQL(changed[at].usingSQL, step.From, step.To)
		changed[at].to = step.To
	}
	return changed
}

// retypeActions returns the actions of ALTER TABLE that change a column's type.
func (b *statementBuilder) retypeActions(r typeChange) []string {
	name := b.table.Columns[r.column].Stored.SQL()
	actions := []string{"ALTER COLUMN " + name + " TYPE " + r.to.String() + " USING " + r.usingSQL}
	if b.lz4 && datatype.InfoOf(r.to).Storage == datatype.Compressed {
		actions = append(actions, "ALTER COLUMN "+name+" SET COMPRESSION lz4")
	}
	return actions
}

func (x *deltaExecution) logTypeChanges(changed []typeChange, took time.Duration) {
	for _, r := range changed {
		x.log.Info(fmt.Sprintf("table %s: type of column %s changed from %s to %s",
			x.table.Name, x.table.Columns[r.column].Name, r.from, r.to),
			slog.Duration("duration", took.Round(time.Millisecond)))
	}
}
