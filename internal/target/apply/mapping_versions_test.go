package apply_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"metadb/internal/change"
)

// want returns the versions that the model has for all transformed tables, one a line: table, id,
// positions, start, end, values.
func (m *model) want() []string {
	types := map[string]string{}
	for _, versions := range m.parents {
		for _, v := range versions {
			for key, row := range m.transformed(v.doc) {
				table, _, _ := strings.Cut(key, "|")
				for column, v := range row {
					if known := types[table+"."+column]; known != "" && known != v.kind {
						types[table+"."+column] = "text"
					} else {
						types[table+"."+column] = v.kind
					}
				}
			}
		}
	}
	var lines []string
	for id, versions := range m.parents {
		type open struct {
			start int64
			text  string
		}
		now := map[string]open{}
		end := int64(0)
		finish := func(key string, at int64) {
			lines = append(lines, fmt.Sprintf("%s id=%d %d-%d %s", key, id, now[key].start, at, now[key].text))
			delete(now, key)
		}
		for _, v := range versions {
			rows := map[string]string{}
			for key, row := range m.transformed(v.doc) {
				table, _, _ := strings.Cut(key, "|")
				var parts []string
				for _, column := range slices.Sorted(maps.Keys(row)) {
					parts = append(parts, column+"="+row[column].as(types[table+"."+column]))
				}
				rows[key] = strings.Join(parts, " ")
			}
			for key, open := range now {
				if text, stays := rows[key]; !stays || text != open.text || !v.succeeds {
					finish(key, end)
				}
			}
			for key, text := range rows {
				if _, there := now[key]; !there {
					now[key] = open{v.start, text}
				}
			}
			end = v.end
		}
		for key := range now {
			finish(key, end)
		}
	}
	slices.Sort(lines)
	return lines
}

// got returns the versions in the database in the form of want. A position without a column is that
// of an object.
func got(t *testing.T, r *rig, currentOnly bool) []string {
	t.Helper()
	places := map[string][]string{
		"t": nil, "obj": {"obj"}, "otags": {"obj", "otags"}, "tags": {"tags"}, "parts": {"parts"}, "sub": {"parts", "sub"}, "leaf": {"parts", "sub", "leaf"},
	}
	var lines []string
	for table := range r.store.Snapshot().All() {
		if !table.IsTransformed() {
			continue
		}
		target := strings.TrimPrefix(table.Name.Name, "item__")
		key := "''"
		for _, place := range places[target] {
			if table.Column("__ord__"+place) >= 0 {
				key += " || ' ' || coalesce(__ord__" + place + "::text, '-')"
			} else {
				key += " || ' -'"
			}
		}
		values := ""
		var names []string
		for _, c := range table.Columns {
			if !strings.HasPrefix(c.Name, "__") {
				names = append(names, c.Name)
			}
		}
		slices.Sort(names)
		for _, name := range names {
			column := table.Columns[table.Column(name)]
			text := column.Stored.SQL()
			switch column.Type {
			case change.TimestampTZ:
				text = "to_char(" + text + " AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS+00')"
			case change.Timestamp:
				text = "to_char(" + text + ", 'YYYY-MM-DD HH24:MI:SS')"
			}
			values += ", '" + name + "=' || " + text
		}
		where := ""
		if currentOnly {
			where = " WHERE __current"
		}
		text := r.rows("SELECT '" + target + "|' || " + key + " || ' id=' || __root__id || ' ' || extract(epoch FROM __start)::bigint || '-' || " +
			"CASE WHEN __current THEN 0 ELSE extract(epoch FROM __end)::bigint END || ' ' || concat_ws(' ', NULL" + values + ") FROM " + table.Main.SQL() + where)
		if text != "" {
			lines = append(lines, strings.Split(text, "\n")...)
		}
	}
	slices.Sort(lines)
	return lines
}

// event makes a random event and updates the model by it.
func (m *model) event() change.Event {
	if m.rand.IntN(5) > 0 {
		m.at++
	}
	id := m.rand.IntN(6)
	e := change.Event{Op: change.Upsert, Source: itemTable, Table: itemTable, Time: change.Micros(m.at * 1_000_000), Shape: itemShape(), Row: cellInt(nil, int32(id))}
	_, there := m.now[id]
	kind := m.rand.IntN(20)
	if kind == 0 && m.rand.IntN(4) == 0 {
		for id := range m.now {
			m.remove(id)
		}
		return change.Event{Op: change.Truncate, Source: itemTable, Table: itemTable, Time: change.Micros(m.at * 1_000_000)}
	}
	if kind < 3 {
		m.remove(id)
		e.Op, e.Shape = change.Delete, &change.Shape{Columns: itemShape().Columns[:1], Key: []int{0}}
		return e
	}
	doc, n := m.now[id], m.n[id]
	switch {
	case there && kind < 6: // the document does not change
		n = m.rand.IntN(3)
		e.Row = cellInt(e.Row, int32(n))
		e.Row = change.AppendUnavailable(e.Row)
	default:
		doc = m.document()
		e.Row = cellInt(e.Row, int32(n))
		e.Row = change.AppendValue(e.Row, append([]byte{1}, doc...))
	}
	if there && doc == m.now[id] && n == m.n[id] {
		return e
	}
	if there {
		versions := m.parents[id]
		versions[len(versions)-1].end = m.at
	}
	m.parents[id] = append(m.parents[id], parentVersion{start: m.at, doc: doc, succeeds: there})
	m.now[id], m.n[id] = doc, n
	return e
}

// remove ends the current version of a row.
func (m *model) remove(id int) {
	if _, there := m.now[id]; there {
		versions := m.parents[id]
		versions[len(versions)-1].end = m.at
	}
	delete(m.now, id)
	delete(m.n, id)
}

var itemTable = change.Table{Schema: "library", Name: "item"}

func itemShape() *change.Shape {
	return &change.Shape{Columns: []change.Column{{Name: "id", Type: change.Integer}, {Name: "n", Type: change.Integer}, {Name: "doc", Type: change.JSONB}}, Key: []int{0}}
}
