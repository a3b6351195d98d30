package chaos

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"metadb/internal/testkit/eventgen"
)

// ids is the highest number of rows of a table.
const ids = 40

// forms are the possible columns of a table. A table is altered from any form to any other.
var forms = [][]eventgen.Column{
	{{Name: "id", Kind: eventgen.BigInt}, {Name: "name", Kind: eventgen.Text}, {Name: "n", Kind: eventgen.SmallInt}},
	{{Name: "id", Kind: eventgen.BigInt}, {Name: "name", Kind: eventgen.Text}, {Name: "n", Kind: eventgen.Integer}},
	{{Name: "id", Kind: eventgen.BigInt}, {Name: "name", Kind: eventgen.Text}, {Name: "n", Kind: eventgen.BigInt}, {Name: "note", Kind: eventgen.Text}},
	{{Name: "id", Kind: eventgen.BigInt}, {Name: "n", Kind: eventgen.Numeric}, {Name: "note", Kind: eventgen.Text}},
	{{Name: "id", Kind: eventgen.BigInt}, {Name: "note", Kind: eventgen.Text}, {Name: "name", Kind: eventgen.Text}, {Name: "n", Kind: eventgen.Text}},
}

// alter changes the columns of a table. The values of dropped columns are lost.
func (s *source) alter(t *table, form int) {
	t.form, t.altered = form, true
	s.encode(t)
	for _, values := range t.rows {
		t.trim(values)
	}
}

// trim removes the values of columns that the table does not have.
func (t *table) trim(values row) {
	maps.DeleteFunc(values, func(name string, _ any) bool {
		return !slices.ContainsFunc(forms[t.form], func(c eventgen.Column) bool { return c.Name == name })
	})
}

// encode creates the encoder of a table that was altered or has another connector.
func (s *source) encode(t *table) {
	encoder, err := eventgen.NewEncoder(eventgen.Table{
		Prefix: s.prefix(), Schema: s.schema(), Name: t.name, Key: []int{0}, Columns: forms[t.form],
	})
	if err != nil {
		panic(err) // the forms are constants
	}
	t.encoder = encoder
}

// change makes a random change of a table.
func (s *source) change(t *table) []eventgen.Change {
	s.tick()
	id := int64(s.random.IntN(ids))
	_, exists := t.rows[id]
	switch kind := s.random.IntN(300); {
	case kind == 0:
		s.alter(t, s.random.IntN(len(forms)))
	case kind == 1:
		s.commits()
		clear(t.rows)
		c := eventgen.Change{Op: 't', Time: s.now, LSN: s.lsn}
		s.commits()
		return []eventgen.Change{c}
	case kind < 10 && exists:
		return []eventgen.Change{{Op: 'u', Row: t.event(id, t.rows[id], false), Time: s.now, LSN: s.lsn}} // alters nothing
	case kind < 60 && exists:
		delete(t.rows, id)
		return []eventgen.Change{{Op: 'd', Row: t.keyOnly(id), Time: s.now, LSN: s.lsn}}
	case kind < 90 && exists:
		to := int64(s.random.IntN(ids))
		if _, taken := t.rows[to]; !taken {
			return s.changeKey(t, id, to)
		}
	}
	op := byte('c')
	if exists {
		op = 'u'
	}
	after, kept := s.draw(t, id)
	return []eventgen.Change{{Op: op, Row: t.event(id, after, kept), Time: s.now, LSN: s.lsn}}
}

// changeKey changes the key of a row, and perhaps other values.
func (s *source) changeKey(t *table, from, to int64) []eventgen.Change {
	t.rows[to] = t.rows[from]
	delete(t.rows, from)
	after, kept := s.draw(t, to)
	return []eventgen.Change{
		{Op: 'd', Row: t.keyOnly(from), NewKey: []any{to}, Time: s.now, LSN: s.lsn},
		{Op: 'c', Row: t.event(to, after, kept), OldKey: []any{from}, Time: s.now, LSN: s.lsn},
	}
}

// tick continues the transaction, or begins another one.
func (s *source) tick() {
	s.lsn += 8
	if s.random.IntN(3) > 0 {
		s.commits()
	}
}

// commits ends the transaction and advances the time.
func (s *source) commits() {
	s.lsn += 8
	s.commit = s.lsn
	s.now = s.now.Add(time.Duration(1+s.random.IntN(500)) * time.Microsecond)
	if !s.sequenced() {
		s.now = s.now.Truncate(time.Millisecond)
		if s.random.IntN(2) == 0 {
			s.now = s.now.Add(time.Millisecond)
		}
	}
}

// sequenced reports whether the connector sends the lsn of the last commit before a change.
func (s *source) sequenced() bool { return s.round%2 == 0 }

// draw sets random values of a row. If kept is true, its name is unchanged, and the source does
// not send it.
func (s *source) draw(t *table, id int64) (values row, kept bool) {
	before := t.rows[id]
	values = row{"name": fmt.Sprintf("name %d", s.random.IntN(4)), "n": int64(s.random.IntN(3)), "note": fmt.Sprintf("note %d", s.random.IntN(2))}
	if s.random.IntN(5) == 0 && before["name"] != nil {
		values["name"], kept = before["name"], true
	}
	t.rows[id] = values
	t.trim(values)
	return values, kept
}

// event returns a row as an event has it.
func (t *table) event(id int64, values row, kept bool) []any {
	list := []any{id}
	for _, c := range forms[t.form][1:] {
		value := values[c.Name]
		switch n, number := value.(int64); {
		case c.Name == "name" && kept:
			value = eventgen.Unavailable{}
		case number && (c.Kind == eventgen.Text || c.Kind == eventgen.Numeric):
			value = fmt.Sprint(n)
		}
		list = append(list, value)
	}
	return list
}

// keyOnly returns a row before a delete, as a table without replica identity has it.
func (t *table) keyOnly(id int64) []any {
	bare := make([]any, len(forms[t.form]))
	bare[0] = id
	return bare
}
