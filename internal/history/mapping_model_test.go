package history_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"metadb/internal/change"
	"metadb/internal/checkpoint"
	"metadb/internal/history"
)

// The model of SPEC 9: slow, and obvious. It keeps the versions of the parents as
// they follow from the events, transforms every one of them with the help of
// encoding/json, and says which versions the transformed tables have to have.

// mappable are the mappings that a model may have; a path comes after its parent.
func mappable() [][2]string {
	return [][2]string{{"$", "t"}, {"$.obj", "obj"}, {"$.obj.tags", "otags"}, {"$.tags", "tags"}, {"$.parts", "parts"}, {"$.parts.sub", "sub"}, {"$.parts.sub.leaf", "leaf"}}
}

// parentVersion is a version of a parent; succeeds says that the one before it
// was current until then.
type parentVersion struct {
	start, end int64
	doc        string
	succeeds   bool
}

// value is a scalar of the model.
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

// document makes a document. Every field has a type that it nearly always has.
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

// transformed returns the rows of a document by table and positions.
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

// decoded are the columns' names of the fields of the model.
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

// as returns a value as a column of a type prints it.
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

// want returns the versions of all transformed tables, one a line: table, id,
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

// got returns what the database has, as want does. Positions that a table has no
// column for are those of objects.
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

// event makes a random event and says what it does.
func (m *model) event() change.Event {
	if m.rand.IntN(5) > 0 {
		m.at++
	}
	id := m.rand.IntN(6)
	e := change.Event{Op: change.Upsert, Source: item, Table: item, Time: change.Micros(m.at * 1_000_000), Shape: itemShape(), Row: cellInt(nil, int32(id))}
	_, there := m.now[id]
	kind := m.rand.IntN(20)
	if kind == 0 && m.rand.IntN(4) == 0 {
		for id := range m.now {
			m.remove(id)
		}
		return change.Event{Op: change.Truncate, Source: item, Table: item, Time: change.Micros(m.at * 1_000_000)}
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

// remove ends what is current of a row.
func (m *model) remove(id int) {
	if _, there := m.now[id]; there {
		versions := m.parents[id]
		versions[len(versions)-1].end = m.at
	}
	delete(m.now, id)
	delete(m.n, id)
}

var item = change.Table{Schema: "library", Name: "item"}

func itemShape() *change.Shape {
	return &change.Shape{Columns: []change.Column{{Name: "id", Type: change.Integer}, {Name: "n", Type: change.Integer}, {Name: "doc", Type: change.JSONB}}, Key: []int{0}}
}

// TestMappingModel: whatever the documents, mappings, changes and batches are, and
// wherever the work is interrupted, the transformed tables are the transformation
// of the parents' versions.
func TestMappingModel(t *testing.T) {
	runs := 12
	if testing.Short() {
		runs = 4
	}
	for seed := range runs {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			m := &model{
				rand: rand.New(rand.NewPCG(uint64(seed), 9)), targets: map[string]string{}, now: map[int]string{}, n: map[int]int{}, parents: map[int][]parentVersion{},
			}
			r := newRig(t)
			for _, mapping := range mappable() {
				if above := mapping[0][:max(strings.LastIndexByte(mapping[0], '.'), 0)]; above != "" && m.targets[above] == "" || m.rand.IntN(5) == 0 && mapping[0] != "$" {
					continue
				}
				m.targets[mapping[0]] = mapping[1]
				r.exec("INSERT INTO metadb.transform_json VALUES ('library', 'item', 'doc', $1, $2)", mapping[0], mapping[1])
			}
			if seed%3 == 1 {
				r.applier.InPieces(m.rand.IntN(400))
			}
			for range 25 {
				var events []change.Event
				for range 1 + m.rand.IntN(12) {
					events = append(events, m.event())
				}
				r.applyKilled(m.rand, events)
			}
			want, have := m.want(), got(t, r, false)
			if !slices.Equal(want, have) {
				t.Errorf("the tables differ:\n%s", difference(want, have))
			}
		})
	}
}

// applyKilled applies a batch that may be interrupted, and applied again then.
func (r *rig) applyKilled(random *rand.Rand, events []change.Event) {
	r.t.Helper()
	for {
		ctx, cancel := context.WithCancel(r.t.Context())
		if random.IntN(3) == 0 {
			timer := time.AfterFunc(time.Duration(random.IntN(20_000))*time.Microsecond, cancel)
			defer timer.Stop()
		}
		err := r.tryWithin(ctx, events)
		cancel()
		switch {
		case err == nil:
			return
		case errors.Is(err, checkpoint.ErrFenced): // it had been committed after all
			r.offset += int64(len(events)) + 1
			r.reload()
			return
		case r.t.Context().Err() != nil || ctx.Err() == nil:
			r.t.Fatal(err)
		}
		r.reload()
	}
}

// tryWithin is try with a context.
func (r *rig) tryWithin(ctx context.Context, events []change.Event) error {
	part := change.Partition{Topic: "t"}
	span := change.Span{Partition: part, Fresh: r.offset == 0, From: change.Mark{Next: r.offset}}
	for i := range events {
		events[i].Position = change.Position{Partition: part, Offset: r.offset + int64(i)}
	}
	span.To.Next = r.offset + int64(len(events)) + 1
	_, err := r.applier.Apply(ctx, &change.Batch{Source: "sensor", Events: events, Spans: []change.Span{span}})
	if err == nil {
		r.offset = span.To.Next
	}
	return err
}

// reload reads the catalog again, as the server does after a failure.
func (r *rig) reload() {
	r.t.Helper()
	if err := r.store.Load(r.t.Context(), r.db.Pool); err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) exec(sql string, args ...any) {
	r.t.Helper()
	if _, err := r.db.Pool.Exec(r.t.Context(), sql, args...); err != nil {
		r.t.Fatal(err)
	}
}

// difference lists the lines that only one side has.
func difference(want, have []string) string {
	var b strings.Builder
	for _, line := range want {
		if !slices.Contains(have, line) {
			b.WriteString("- " + line + "\n")
		}
	}
	for _, line := range have {
		if !slices.Contains(want, line) {
			b.WriteString("+ " + line + "\n")
		}
	}
	if b.Len() == 0 {
		return "some line is there twice"
	}
	return b.String()
}

// TestRefreshModel: after a refresh the current rows of the transformed tables are
// the transformation of the parents' current versions, whatever was mapped before.
func TestRefreshModel(t *testing.T) {
	for seed := range 4 {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			m := &model{
				rand: rand.New(rand.NewPCG(uint64(seed), 10)), targets: map[string]string{}, now: map[int]string{}, n: map[int]int{}, parents: map[int][]parentVersion{},
			}
			r := newRig(t)
			refresher := history.New(history.Config{Connect: r.connect, Store: r.store, Logger: slog.New(slog.NewTextHandler(r.log, nil))})
			t.Cleanup(func() { _ = refresher.Close(context.Background()) })
			for range 8 {
				m.targets = map[string]string{}
				r.exec("DELETE FROM metadb.transform_json")
				for _, mapping := range mappable() {
					if above := mapping[0][:max(strings.LastIndexByte(mapping[0], '.'), 0)]; above != "" && m.targets[above] == "" || m.rand.IntN(3) == 0 {
						continue
					}
					m.targets[mapping[0]] = mapping[1]
					r.exec("INSERT INTO metadb.transform_json VALUES ('library', 'item', 'doc', $1, $2)", mapping[0], mapping[1])
				}
				for range 1 + m.rand.IntN(5) {
					var events []change.Event
					for range 1 + m.rand.IntN(8) {
						events = append(events, m.event())
					}
					r.applyKilled(m.rand, events)
				}
				if r.store.Snapshot().Table(item) == nil {
					continue
				}
				_, err := refresher.Refresh(t.Context(), history.Refreshing{
					Table: item, Exclusively: func(do func() error) error { return do() }, Progress: func(int64, int64) {}, Step: 1 + m.rand.IntN(4),
				})
				if err != nil {
					t.Fatal(err)
				}
				want := keysOf(m.current())
				have := keysOf(got(t, r, true))
				if !slices.Equal(want, have) {
					t.Fatalf("the current rows differ:\n%s", difference(want, have))
				}
			}
		})
	}
}

// current returns the rows that have to be current now.
func (m *model) current() []string {
	var lines []string
	for id, doc := range m.now {
		for key, row := range m.transformed(doc) {
			lines = append(lines, fmt.Sprintf("%s id=%d 0-0 %d", key, id, len(row)))
		}
	}
	return lines
}

// keysOf returns what identifies the rows of lines, sorted, and how many values
// each has.
func keysOf(lines []string) []string {
	var keys []string
	for _, line := range lines {
		at := strings.Index(line, " id=")
		id, rest, _ := strings.Cut(line[at+4:], " ")
		_, values, _ := strings.Cut(rest, " ")
		n := strings.Count(values, "=")
		if !strings.Contains(values, "=") && values != "" {
			_, _ = fmt.Sscan(values, &n)
		}
		keys = append(keys, fmt.Sprintf("%s id=%s %d", line[:at], id, n))
	}
	slices.Sort(keys)
	return keys
}
