package lang

import "fmt"

// CreateUser is CREATE USER U WITH PASSWORD 'P' [, COMMENT 'C'] [, CONNECTION_LIMIT 'N'].
type CreateUser struct {
	User     Name
	Password Value
	// Comment is empty if it was not given.
	Comment Value
	// ConnectionLimit has no position if it was not given.
	ConnectionLimit Value
}

func (CreateUser) command() {}

func (c CreateUser) String() string {
	s := fmt.Sprintf("create user %s with password %s", c.User, hiddenText)
	if c.Comment.At > 0 {
		s += ", comment " + c.Comment.String()
	}
	if c.ConnectionLimit.At > 0 {
		s += ", connection_limit " + c.ConnectionLimit.String()
	}
	return s
}

// AlterUser is ALTER USER U WITH PASSWORD 'P'.
type AlterUser struct {
	User     Name
	Password Value
}

func (AlterUser) command() {}

func (c AlterUser) String() string {
	return fmt.Sprintf("alter user %s with password %s", c.User, hiddenText)
}

// DropUser is DROP USER U [WITH (DROP OBJECTS)].
type DropUser struct {
	User Name
	// Objects means that the user's objects are dropped too.
	Objects bool
}

func (DropUser) command() {}

func (c DropUser) String() string {
	if c.Objects {
		return "drop user " + c.User.String() + " with (drop objects)"
	}
	return "drop user " + c.User.String()
}

// RegisterUser is REGISTER USER U, or DEREGISTER USER U.
type RegisterUser struct {
	User Name
	// Off means DEREGISTER.
	Off bool
}

func (RegisterUser) command() {}

func (c RegisterUser) String() string {
	if c.Off {
		return "deregister user " + c.User.String()
	}
	return "register user " + c.User.String()
}

// CreateSchema is CREATE SCHEMA FOR USER U.
type CreateSchema struct{ User Name }

func (CreateSchema) command() {}

func (c CreateSchema) String() string { return "create schema for user " + c.User.String() }

// Target is the object to which access is granted: a table, a function, or, if Kind is All,
// everything.
type Target struct {
	Kind   TargetKind
	Object Object
	// Types has the types of a function's arguments, in the command's notation.
	Types []Value
}

// TargetKind is the kind of a Target.
type TargetKind string

// The kinds of targets.
const (
	Table    TargetKind = "table"
	Function TargetKind = "function"
	All      TargetKind = "all"
)

func (t Target) String() string {
	switch t.Kind {
	case Function:
		types := make([]rawText, len(t.Types))
		for i, v := range t.Types {
			types[i] = rawText(v.Text)
		}
		return fmt.Sprintf("function %s(%s)", t.Object, joinObjects(types))
	case Table:
		return "table " + t.Object.String()
	case All:
	}
	return "all"
}

// rawText is a text that prints without quotes.
type rawText string

func (r rawText) String() string { return string(r) }

// Grant is GRANT ACCESS ON … TO U, or REVOKE ACCESS ON … FROM U.
type Grant struct {
	Revoke bool
	Target Target
	User   Name
}

func (Grant) command() {}

func (c Grant) String() string {
	if c.Revoke {
		return fmt.Sprintf("revoke access on %s from %s", c.Target, c.User)
	}
	return fmt.Sprintf("grant access on %s to %s", c.Target, c.User)
}
