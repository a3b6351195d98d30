package lang

import (
	"fmt"
	"slices"
	"strings"
)

// Action is the effect of an option in ALTER DATA SOURCE.
type Action uint8

// The actions. An option without a word is Add.
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
		value = hiddenText
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
	return fmt.Sprintf("create data source %s type %s options (%s)", c.Name, c.Type, joinObjects(c.Options))
}

// AlterSource is ALTER DATA SOURCE NAME OPTIONS (…).
type AlterSource struct {
	Name    Name
	Options []Option
}

func (AlterSource) command() {}

func (c AlterSource) String() string {
	return fmt.Sprintf("alter data source %s options (%s)", c.Name, joinObjects(c.Options))
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

// Step is the part of a synchronization that a command carries out.
type Step string

// The steps.
const (
	Begin Step = "sync"
	End   Step = "endsync"
	Abort Step = "abort sync"
)

// The words that may follow WITH: the answers to the questions of the command line, and the request
// for a dry run.
const (
	Restart          = "restart"
	FromBeginning    = "from_beginning"
	ForceUnconfirmed = "force_unconfirmed"
	DryRun           = "dry_run"
)

// With returns the words that may follow WITH.
func (s Step) With() []string {
	switch s {
	case Begin:
		return []string{Restart, FromBeginning, DryRun}
	case End:
		return []string{ForceUnconfirmed, DryRun}
	case Abort:
	}
	return nil
}

// Sync is SYNC, ENDSYNC or ABORT SYNC of DATA SOURCE S or TABLE S.T__.
type Sync struct {
	Step Step
	// Source is empty if it is about a table.
	Source Name
	Table  Object
	With   []Name
}

func (Sync) command() {}

// HasOption reports whether the command has a word after WITH.
func (c Sync) HasOption(word string) bool {
	return slices.ContainsFunc(c.With, func(n Name) bool { return n.Text == word })
}

func (c Sync) String() string {
	with := ""
	if len(c.With) > 0 {
		with = fmt.Sprintf(" with (%s)", joinObjects(c.With))
	}
	if c.Source.Text == "" {
		return fmt.Sprintf("%s table %s%s", c.Step, c.Table, with)
	}
	return fmt.Sprintf("%s data source %s%s", c.Step, c.Source, with)
}

// SkipPartition is SKIP PARTITION T/N TO OFFSET O FOR DATA SOURCE S.
type SkipPartition struct {
	Topic     Value
	Partition int32
	Offset    int64
	// OffsetAt is the offset's position, in characters of the query string from 1.
	OffsetAt int
	Source   Name
}

func (SkipPartition) command() {}

func (c SkipPartition) String() string {
	return fmt.Sprintf("skip partition %s/%d to offset %d for data source %s", c.Topic, c.Partition, c.Offset, c.Source)
}
