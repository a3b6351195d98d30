package lang

import "fmt"

// Mapping names a JSON mapping: FOR JSON FROM TABLE S.T__ COLUMN C PATH 'P'.
type Mapping struct {
	Table  Object
	Column Name
	Path   Value
}

func (m Mapping) String() string {
	return fmt.Sprintf("data mapping for json from table %s column %s path %s", m.Table, m.Column, m.Path)
}

// CreateMapping is CREATE DATA MAPPING … TO 'X'.
type CreateMapping struct {
	Mapping Mapping
	Target  Value
}

func (CreateMapping) command() {}

func (c CreateMapping) String() string { return fmt.Sprintf("create %s to %s", c.Mapping, c.Target) }

// DropMapping is DROP DATA MAPPING ….
type DropMapping struct{ Mapping Mapping }

func (DropMapping) command() {}

func (c DropMapping) String() string { return "drop " + c.Mapping.String() }

// RefreshMapping is REFRESH DATA MAPPING FOR TABLE S.T__.
type RefreshMapping struct{ Table Object }

func (RefreshMapping) command() {}

func (c RefreshMapping) String() string {
	return "refresh data mapping for table " + c.Table.String()
}

// AlterTable is ALTER TABLE S.T__ ADD COLUMN C TYPE, or ALTER COLUMN C TYPE
// TYPE.
type AlterTable struct {
	Table Object
	// Add means that the column is new.
	Add    bool
	Column Name
	// Type is the type's name in the command's notation.
	Type Value
}

func (AlterTable) command() {}

func (c AlterTable) String() string {
	if c.Add {
		return fmt.Sprintf("alter table %s add column %s %s", c.Table, c.Column, c.Type.Text)
	}
	return fmt.Sprintf("alter table %s alter column %s type %s", c.Table, c.Column, c.Type.Text)
}

// PurgeTables is PURGE DATA DROP TABLE S.T__ [, …].
type PurgeTables struct{ Tables []Object }

func (PurgeTables) command() {}

func (c PurgeTables) String() string { return "purge data drop table " + joinObjects(c.Tables) }
