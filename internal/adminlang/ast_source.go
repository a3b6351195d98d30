package adminlang

import (
	"fmt"
	"strings"
)

// Action is what an option of ALTER DATA SOURCE does.
type Action uint8

// The actions. Without a word it is Add.
const (
	Add Action = iota
	Set
	Drop
)

// Option is one element of OPTIONS (…).
type Option struct {
	Action Action
	Key    Name
	// Value is empty for Drop.
	Value Value
}

// String returns the option as it is given in ALTER DATA SOURCE, where Add
// needs no word.
func (o Option) String() string {
	value := o.Value.String()
	if strings.Contains(o.Key.Text, "password") {
		value = hidden
	}
	switch o.Action {
	case Set:
		return fmt.Sprintf("set %s %s", o.Key, value)
	case Drop:
		return fmt.Sprintf("drop %s", o.Key)
	case Add:
	}
	return fmt.Sprintf("%s %s", o.Key, value)
}

// CreateSource is CREATE DATA SOURCE NAME TYPE KAFKA OPTIONS (…).
type CreateSource struct {
	Name, Type Name
	Options    []Option
}

func (CreateSource) command() {}

func (c CreateSource) String() string {
	if len(c.Options) == 0 {
		return fmt.Sprintf("create data source %s type %s", c.Name, c.Type)
	}
	return fmt.Sprintf("create data source %s type %s options (%s)", c.Name, c.Type, objects(c.Options))
}

// AlterSource is ALTER DATA SOURCE NAME OPTIONS (…).
type AlterSource struct {
	Name    Name
	Options []Option
}

func (AlterSource) command() {}

func (c AlterSource) String() string {
	return fmt.Sprintf("alter data source %s options (%s)", c.Name, objects(c.Options))
}

// DropSource is DROP DATA SOURCE NAME.
type DropSource struct{ Name Name }

func (DropSource) command() {}

func (c DropSource) String() string { return "drop data source " + c.Name.String() }

// CreateOrigin is CREATE DATA ORIGIN NAME.
type CreateOrigin struct{ Name Name }

func (CreateOrigin) command() {}

func (c CreateOrigin) String() string { return "create data origin " + c.Name.String() }

// DropOrigin is DROP DATA ORIGIN NAME.
type DropOrigin struct{ Name Name }

func (DropOrigin) command() {}

func (c DropOrigin) String() string { return "drop data origin " + c.Name.String() }

// Step is which part of a synchronization a command is.
type Step string

// The steps.
const (
	Begin Step = "sync"
	End   Step = "endsync"
	Abort Step = "abort sync"
)

// Sync is SYNC, ENDSYNC or ABORT SYNC of DATA SOURCE S or TABLE S.T__.
type Sync struct {
	Step Step
	// Source is empty if it is about a table.
	Source Name
	Table  Object
}

func (Sync) command() {}

func (c Sync) String() string {
	if c.Source.Text == "" {
		return fmt.Sprintf("%s table %s", c.Step, c.Table)
	}
	return fmt.Sprintf("%s data source %s", c.Step, c.Source)
}
