package pipeline

import (
	"cmp"
	"slices"
	"strings"

	"metadb/internal/change"
)

// group is topics that have events of the same tables, with about what it costs to
// apply theirs, in bytes.
type group struct {
	topics []string
	cost   int
}

// tableCost is what the statements for a table cost, however few its events are.
const tableCost = 32 << 10

// groups returns the groups of a batch's topics, in the order of their first events.
func (b *batch) groups() []*group {
	g := &grouping{byTopic: make(map[string]*group), byTable: make(map[change.Table]*group)}
	var at *group
	var topic string
	var table change.Table
	for i := range b.Events {
		e := &b.Events[i]
		if at == nil || e.Position.Partition.Topic != topic || e.Table != table {
			topic, table = e.Position.Partition.Topic, e.Table
			at = g.meet(topic, table)
		}
		at.cost += size(e)
	}
	for table, of := range g.byTable {
		for _, other := range related(table) {
			g.join(g.byTable[other], of)
			of = g.byTable[table]
		}
	}
	return slices.DeleteFunc(g.all, func(g *group) bool { return g.topics == nil })
}

// grouping is groups being found.
type grouping struct {
	all     []*group
	byTopic map[string]*group
	byTable map[change.Table]*group
}

// meet returns the group of a topic that has an event of a table.
func (g *grouping) meet(topic string, table change.Table) *group {
	at := g.byTopic[topic]
	if at == nil {
		at = &group{topics: []string{topic}, cost: tableCost}
		g.byTopic[topic], g.all = at, append(g.all, at)
	}
	if table != (change.Table{}) {
		g.join(at, g.byTable[table])
		g.byTable[table] = at
	}
	return at
}

// join makes one group of two, either of which may be nil.
func (g *grouping) join(into, other *group) {
	if into == nil || other == nil || into == other {
		return
	}
	into.topics, into.cost = append(into.topics, other.topics...), into.cost+other.cost
	for _, topic := range other.topics {
		g.byTopic[topic] = into
	}
	for table, of := range g.byTable {
		if of == other {
			g.byTable[table] = into
		}
	}
	other.topics = nil
}

// historyPrefix is what the names of the relations behind a main table begin with.
const historyPrefix = "zzz___"

// related returns the tables that a table's name may belong to a relation of: where one
// of them is in the same batch, which of the two is made is not to depend on which session
// is faster, but on which came first.
func related(table change.Table) []change.Table {
	var all []change.Table
	name := strings.TrimPrefix(table.Name, historyPrefix)
	for i := range name {
		if i > 0 && strings.HasPrefix(name[i:], "__") {
			all = append(all, change.Table{Schema: table.Schema, Name: name[:i]})
		}
	}
	return all
}

// sessions knows which session the tables of a topic usually have, so that each
// prepares its statements and stages for its own.
type sessions struct{ usual map[string]int }

// assign gives each topic one of n sessions, such that all have about as much to do.
func (s *sessions) assign(groups []*group, n int) map[string]int {
	if s.usual == nil {
		s.usual = make(map[string]int)
	}
	all := 0
	for _, g := range groups {
		all += g.cost
	}
	load, most := make([]int, n), all/n+all/8 // moving a table costs, too
	slices.SortStableFunc(groups, func(a, b *group) int { return cmp.Compare(b.cost, a.cost) })
	assigned := make(map[string]int)
	for _, g := range groups {
		session, known := s.usual[g.topics[0]]
		if !known || load[session] > 0 && load[session]+g.cost > most {
			session = slices.Index(load, slices.Min(load))
		}
		load[session] += g.cost
		for _, topic := range g.topics {
			assigned[topic], s.usual[topic] = session, session
		}
	}
	return assigned
}
