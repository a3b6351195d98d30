package command

import (
	"fmt"
	"strings"

	"metadb/internal/admin/access"
	"metadb/internal/admin/lang"
)

// grantTarget is {TABLE S.T | FUNCTION S.F(TYPES) | ALL}: the object to which access is granted.
type grantTarget struct {
	Kind   targetKind
	Object lang.Object
	// Types has the types of a function's arguments, in the command's notation.
	Types []lang.Value
}

// targetKind is the kind of a grantTarget.
type targetKind string

const (
	targetTable    targetKind = "table"
	targetFunction targetKind = "function"
	targetAll      targetKind = "all"
)

func (t grantTarget) String() string {
	switch t.Kind {
	case targetFunction:
		types := make([]string, len(t.Types))
		for i, v := range t.Types {
			types[i] = v.Text
		}
		return fmt.Sprintf("function %s(%s)", t.Object, strings.Join(types, ", "))
	case targetTable:
		return "table " + t.Object.String()
	case targetAll:
	}
	return "all"
}

func parseGrantTarget(p *lang.Parser) grantTarget {
	switch p.ExpectOneOf("table", "function", "all") {
	case "table":
		return grantTarget{Kind: targetTable, Object: p.Object("a table")}
	case "function":
		t := grantTarget{Kind: targetFunction, Object: p.Object("a function")}
		t.Types = parseTypes(p)
		return t
	default:
		return grantTarget{Kind: targetAll}
	}
}

// parseTypes parses ([TYPE [, …]]).
func parseTypes(p *lang.Parser) []lang.Value {
	var list []lang.Value
	p.Expect("(")
	for !p.Failed() && !p.IsAt(")") {
		list = append(list, p.Until("a type", ",", ")"))
		if !p.Accept(",") {
			break
		}
	}
	p.Expect(")")
	return list
}

// accessObject converts a command's target to an object.
func accessObject(t grantTarget) access.Object {
	if t.Kind == targetAll {
		return access.Object{}
	}
	o := access.Object{Schema: t.Object.Schema.Text, Name: t.Object.Name.Text, Function: t.Kind == targetFunction}
	types := make([]string, len(t.Types))
	for i, v := range t.Types {
		types[i] = v.Text
	}
	o.Types = strings.Join(types, ", ")
	return o
}
