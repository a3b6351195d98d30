package apply_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"time"
)

// The model of docs/spec/09-json-mappings.md, slow and obvious. It keeps the versions of the
// parents as they follow from the events, transforms each of them with encoding/json, and derives
// the versions of the transformed tables.

// mappable returns the mappings that a model may have, each after its parent.
func mappable() [][2]string {
	return [][2]string{{"$", "t"}, {"$.obj", "obj"}, {"$.obj.tags", "otags"}, {"$.tags", "tags"}, {"$.parts", "parts"}, {"$.parts.sub", "sub"}, {"$.parts.sub.leaf", "leaf"}}
}

// parentVersion is a version of a parent. succeeds is set if the version before it was current
// until its start.
type parentVersion struct {
	start, end int64
	doc        string
	succeeds   bool
}

// value is a scalar of the model with its column type.
type value struct{ kind, text string }

// model is the state of one run.
type model struct {
	rand    *rand.Rand
	targets map[string]string
	now     map[int]string
	n       map[int]int
	parents map[int][]parentVersion
	at      int64
}

// document makes a random document. Each field nearly always has the same type.
func (m *model) document() string {
	doc := map[string]any{}
	m.fields(doc)
	if m.rand.IntN(3) > 0 {
		obj := map[string]any{}
		m.fields(obj)
		if m.rand.IntN(2) == 0 {
			obj["tags"] = m.list(3)
		}
		doc["obj"] = obj
	}
	if m.rand.IntN(3) > 0 {
		doc["tags"] = m.list(3)
	}
	if m.rand.IntN(3) > 0 {
		var parts []any
		for range m.rand.IntN(4) {
			part := map[string]any{}
			m.fields(part)
			var subs []any
			for range m.rand.IntN(3) {
				subs = append(subs, map[string]any{"n": m.rand.IntN(2), "leaf": m.list(2)})
			}
			part["sub"] = subs
			parts = append(parts, part)
		}
		doc["parts"] = parts
	}
	switch m.rand.IntN(60) {
	case 0:
		doc["obj"] = []any{map[string]any{"tags": m.list(2)}}
	case 1:
		doc["tags"] = map[string]any{"a": 1}
	case 2:
		return "[]"
	}
	text, _ := json.Marshal(doc)
	return string(text)
}

func (m *model) fields(doc map[string]any) {
	for _, name := range []string{"num", "text", "flag", "createdDate", "localDate"} {
		if m.rand.IntN(4) == 0 {
			continue
		}
		doc[name] = m.scalar(name)
	}
}

func (m *model) scalar(name string) any {
	if m.rand.IntN(150) == 0 {
		name = []string{"num", "text", "flag", "createdDate", "localDate"}[m.rand.IntN(5)]
	}
	switch name {
	case "num":
		return m.rand.IntN(3)
	case "text":
		return []any{"x", "y", nil, "", "é"}[m.rand.IntN(5)]
	case "flag":
		return m.rand.IntN(2) == 0
	case "createdDate":
		return []string{"2024-01-01T10:00:00Z", "2024-01-01T10:00:00.000+00:00", "2024-01-01T11:00+01:00", "2024-02-01T10:00Z"}[m.rand.IntN(4)]
	}
	return []string{"2024-01-01T10:00:00", "2024-01-01T10:00", "2024-02-01T10:00"}[m.rand.IntN(3)]
}

func (m *model) list(most int) []any {
	out := []any{}
	for range m.rand.IntN(most + 1) {
		out = append(out, []any{"red", "green", nil, "blue"}[m.rand.IntN(4)])
	}
	return out
}

// transformed returns the rows of a document, by table and positions.
func (m *model) transformed(text string) map[string]map[string]value {
	rows := map[string]map[string]value{}
	var doc any
	if json.Unmarshal([]byte(text), &doc) != nil {
		return rows
	}
	object, ok := doc.(map[string]any)
	if !ok || m.targets["$"] == "" {
		return rows
	}
	row := map[string]value{}
	rows[m.targets["$"]+"|"] = row
	m.object(rows, row, "", "$", "", object)
	return rows
}

func (m *model) object(rows map[string]map[string]value, row map[string]value, prefix, path, ords string, object map[string]any) {
	for name, v := range object {
		below := path + "." + name
		target := m.targets[below]
		switch v := v.(type) {
		case nil:
		case map[string]any:
			if target != "" {
				m.object(rows, row, target+"__", below, ords+" -", v)
			}
		case []any:
			if target == "" {
				continue
			}
			for i, element := range v {
				at := fmt.Sprintf("%s %d", ords, i+1)
				switch element := element.(type) {
				case nil:
				case []any:
				case map[string]any:
					inner := map[string]value{}
					rows[target+"|"+at] = inner
					m.object(rows, inner, "", below, at, element)
				default:
					rows[target+"|"+at] = map[string]value{target: scalarValue(element)}
				}
			}
		default:
			row[prefix+decoded(name)] = scalarValue(v)
		}
	}
}

// decoded returns the column name of a field of the model.
func decoded(name string) string {
	switch name {
	case "createdDate":
		return "created_date"
	case "localDate":
		return "local_date"
	}
	return name
}

func scalarValue(v any) value {
	switch v := v.(type) {
	case bool:
		return value{"boolean", fmt.Sprint(v)}
	case float64:
		return value{"numeric", fmt.Sprint(v)}
	case string:
		for layout, kind := range map[string]string{
			"2006-01-02T15:04:05Z07:00": "timestamp with time zone", "2006-01-02T15:04Z07:00": "timestamp with time zone",
			"2006-01-02T15:04:05": "timestamp without time zone", "2006-01-02T15:04": "timestamp without time zone",
		} {
			if _, err := time.Parse(layout, v); err == nil {
				return value{kind, v}
			}
		}
		return value{"text", v}
	}
	return value{}
}

// as returns the value as a column of a type prints it.
func (v value) as(kind string) string {
	if kind == "text" || v.kind == "numeric" || v.kind == "boolean" {
		return v.text
	}
	for _, layout := range []string{"2006-01-02T15:04:05Z07:00", "2006-01-02T15:04Z07:00", "2006-01-02T15:04:05", "2006-01-02T15:04"} {
		if at, err := time.Parse(layout, v.text); err == nil {
			text := at.UTC().Format("2006-01-02 15:04:05")
			if kind == "timestamp with time zone" {
				text += "+00"
			}
			return text
		}
	}
	return v.text
}
