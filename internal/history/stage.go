package history

import (
	"context"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"metadb/internal/catalog"
	"metadb/internal/change"
	"metadb/internal/datatype"
	"metadb/internal/ident"
)

// maxStages bounds how many temporary tables the session keeps. Every commit
// truncates all of them, so that many cost time.
const maxStages = 256

// stage is a temporary table that holds a chunk: what the fold says of each
// item, and the row as the target table stores it. It is empty at the beginning
// of every transaction.
type stage struct {
	name ident.Name
	// exists says that a committed transaction has made the table.
	exists bool
	// filled says that it has been used in this transaction.
	filled bool
	// used counts up with every use, to find the one that was used longest ago.
	used int
}

// stages are the temporary tables of a session.
type stages struct {
	byShape map[string]*stage
	serial  int
	clock   int
	// touched are those of this transaction, in the order of their first use.
	touched []*stage
	// dropped are the keys of those that this transaction drops.
	dropped []string
}

func newStages() *stages { return &stages{byShape: make(map[string]*stage)} }

// committed notes that what the transaction made is there, and empty again.
func (s *stages) committed() {
	for _, st := range s.touched {
		st.exists, st.filled = true, false
	}
	for _, key := range s.dropped {
		delete(s.byShape, key)
	}
	s.touched, s.dropped = nil, nil
}

// rolledBack notes that what the transaction did is undone.
func (s *stages) rolledBack() {
	s.undo(0)
	s.dropped = nil
}

// undo notes that all is undone since so many stages had been touched.
func (s *stages) undo(touched int) {
	for _, st := range s.touched[touched:] {
		st.filled = false
	}
	s.touched = s.touched[:touched]
}

// savepoint does something that is undone if it fails, the stages it makes too.
func (r *run) savepoint(ctx context.Context, do func() error) error {
	touched := len(r.stages.touched)
	err := pgx.BeginFunc(ctx, r.tx, func(pgx.Tx) error { return do() })
	if err != nil {
		r.stages.undo(touched)
	}
	return err
}

// The columns of a stage that come before the row.
const stageMeta = `ord int, head boolean, follows boolean, upsert boolean, probe boolean, suspect boolean,
	at timestamptz, origin text, missing int[], via int`

// stageMetaNames are their names, stageMetaCount their number.
const (
	stageMetaNames = "ord, head, follows, upsert, probe, suspect, at, origin, missing, via"
	stageMetaCount = 10
)

// The two purposes of a stage, which are not to share one: rows as they are
// stored, and rows as they arrive.
const (
	forStored   = 's'
	forArriving = 'a'
)

// openStage returns an empty stage for rows of the given types.
func (r *run) openStage(ctx context.Context, purpose byte, types []change.Type) (*stage, error) {
	var key strings.Builder
	key.WriteByte(purpose)
	for _, t := range types {
		key.WriteByte(byte(t))
	}
	s := r.stages
	s.clock++
	st, ok := s.byShape[key.String()]
	if !ok {
		s.serial++
		st = &stage{name: ident.Name("metadb_stage_" + strconv.Itoa(s.serial))}
		s.byShape[key.String()] = st
	}
	st.used = s.clock
	if !st.filled {
		s.touched = append(s.touched, st)
	}
	var sql strings.Builder
	switch {
	case !st.exists:
		sql.WriteString("CREATE TEMPORARY TABLE IF NOT EXISTS " + st.name.SQL() + " (" + stageMeta)
		for i, t := range types {
			sql.WriteString(", " + stageColumn(i) + " " + t.String())
		}
		sql.WriteString(") ON COMMIT DELETE ROWS; ")
		fallthrough
	case st.filled:
		sql.WriteString("DELETE FROM " + st.SQL())
	}
	st.filled = true
	if sql.Len() == 0 {
		return st, nil
	}
	if _, err := r.tx.Exec(ctx, sql.String()); err != nil {
		return nil, fmt.Errorf("make a temporary table: %w", err)
	}
	return st, nil
}

// dropOldStages drops those stages that are too many, those first that were used
// longest ago. It comes last in a transaction.
func (r *run) dropOldStages(ctx context.Context) error {
	s := r.stages
	if len(s.byShape) <= maxStages {
		return nil
	}
	keys := slices.SortedFunc(maps.Keys(s.byShape), func(a, b string) int { return s.byShape[a].used - s.byShape[b].used })
	s.dropped = keys[:len(keys)-maxStages]
	for _, key := range s.dropped {
		if _, err := r.tx.Exec(ctx, "DROP TABLE IF EXISTS "+s.byShape[key].SQL()); err != nil {
			return fmt.Errorf("drop a temporary table: %w", err)
		}
	}
	return nil
}

// SQL returns the stage's name for use in a statement.
func (s *stage) SQL() string { return ident.Qualified{Schema: "pg_temp", Name: s.name}.SQL() }

// stageColumn is the name of a stage's column for column i of the row: a name of
// ours, since the table's may be one of stageMeta.
func stageColumn(i int) string { return "c" + strconv.Itoa(i) }

// columnTypes returns the stored types of a table's columns.
func columnTypes(t *catalog.Table) []change.Type {
	types := make([]change.Type, len(t.Columns))
	for i, c := range t.Columns {
		types[i] = c.Type
	}
	return types
}

// probe is a row of a stage that stands for a key only: an old one, under which
// unavailable values are to be looked for.
type probe struct {
	*formerKey
	origin change.Origin
}

// fillStage brings a folded chunk into a stage of the table's types. Rows whose
// types differ from those are copied into a stage of their own types first, and
// PostgreSQL converts them, the way it converts what is stored already.
func (r *run) fillStage(ctx context.Context, t *target, c *chunk, f *folded) (*stage, error) {
	final, err := r.openStage(ctx, forStored, columnTypes(t.table))
	if err != nil {
		return nil, err
	}
	names := make([]string, len(c.fields))
	for i, fd := range c.fields {
		names[i] = stageColumn(fd.column)
	}
	if c.plain {
		return final, r.copyStage(ctx, final, names, c, f)
	}
	arriving := make([]change.Type, len(c.fields))
	raw := make([]string, len(c.fields))
	for i, fd := range c.fields {
		arriving[i], raw[i] = fd.path[0], stageColumn(i)
	}
	first, err := r.openStage(ctx, forArriving, arriving)
	if err != nil {
		return nil, err
	}
	if err := r.copyStage(ctx, first, raw, c, f); err != nil {
		return nil, err
	}
	var sql strings.Builder
	sql.WriteString("INSERT INTO " + final.SQL() + " (" + stageMetaNames)
	for _, name := range names {
		sql.WriteString(", " + name)
	}
	sql.WriteString(") SELECT " + stageMetaNames)
	for i, fd := range c.fields {
		expr := raw[i]
		for k := 1; k < len(fd.path); k++ {
			expr = datatype.CastSQL(expr, fd.path[k-1], fd.path[k])
		}
		sql.WriteString(", " + expr)
	}
	sql.WriteString(" FROM " + first.SQL())
	if _, err := r.tx.Exec(ctx, sql.String()); err != nil {
		return nil, fmt.Errorf("convert rows: %w", err)
	}
	return final, nil
}

// copyStage copies the items and the probes that they need.
func (r *run) copyStage(ctx context.Context, st *stage, names []string, c *chunk, f *folded) error {
	probes, viaOf := f.probes(r.batch.Events)
	sql := "COPY " + st.SQL() + " (" + stageMetaNames + ", " + strings.Join(names, ", ") + ")"
	stream := newCopyStream(len(f.items)+len(probes), func(dst []byte, i int) []byte {
		dst = appendCount(dst, stageMetaCount+len(c.fields))
		if i >= len(f.items) {
			p := &probes[i-len(f.items)]
			return appendKeyFields(appendProbeMeta(dst, i, p), c, p.row)
		}
		it := &f.items[i]
		dst = appendItemMeta(dst, i, it, c, r.batch.Events[it.event].Origin)
		if via, ok := viaOf[i]; ok {
			dst = appendInt32(dst, int32(len(f.items)+via))
		} else {
			dst = appendNull(dst)
		}
		if !it.upsert {
			return appendKeyFields(dst, c, it.row)
		}
		if it.unavailable != nil {
			return append(dst, withoutUnavailable(it.row)...)
		}
		return append(dst, it.row...)
	})
	return copyFrom(ctx, r.tx, sql, stream)
}

// probes returns the old keys under which unavailable values are to be looked
// for, and which item needs which.
func (f *folded) probes(events []change.Event) (probes []probe, of map[int]int) {
	for i := range f.items {
		if it := &f.items[i]; it.via != nil {
			if of == nil {
				of = make(map[int]int)
			}
			of[i] = len(probes)
			probes = append(probes, probe{it.via, events[it.event].Origin})
		}
	}
	return probes, of
}

func appendItemMeta(dst []byte, ord int, it *item, c *chunk, origin change.Origin) []byte {
	dst = appendInt32(dst, int32(ord))
	dst = appendBool(dst, it.head)
	dst = appendBool(dst, it.follows)
	dst = appendBool(dst, it.upsert)
	dst = appendBool(dst, false)
	dst = appendBool(dst, it.suspect)
	dst = appendMoment(dst, it.at)
	dst = appendText(dst, string(origin))
	return appendMissing(dst, it.unavailable, c.fields)
}

// appendProbeMeta appends what the stage says of a probe: in the column at when
// the key changed, in follows whether the chunk ends what is current under it.
func appendProbeMeta(dst []byte, ord int, p *probe) []byte {
	dst = appendInt32(dst, int32(ord))
	for _, value := range []bool{false, p.ends, p.lacking, true, false} {
		dst = appendBool(dst, value)
	}
	dst = appendMoment(dst, p.at)
	dst = appendText(dst, string(p.origin))
	return appendNull(appendNull(dst))
}

// appendMissing appends the table's columns that are unavailable, as int[], NULL
// if there are none.
func appendMissing(dst []byte, unavailable []int, fields []field) []byte {
	if len(unavailable) == 0 {
		return appendNull(dst)
	}
	mark := len(dst)
	dst = append(dst, 0, 0, 0, 0)
	dst = appendArrayHead(dst, int4OID, len(unavailable))
	for _, i := range unavailable {
		dst = appendInt32(dst, int32(fields[i].column))
	}
	binary.BigEndian.PutUint32(dst[mark:], uint32(len(dst)-mark-4))
	return dst
}

// appendKeyFields appends the fields of a row of which only the key is known:
// its cells, in the order of the key, and NULL everywhere else.
func appendKeyFields(dst []byte, c *chunk, key change.Row) []byte {
	for _, fd := range c.fields {
		if fd.key == none {
			dst = appendNull(dst)
		} else {
			dst = change.AppendCell(dst, key.Cell(fd.key))
		}
	}
	return dst
}
