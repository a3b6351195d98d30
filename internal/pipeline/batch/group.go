package batch

import (
	"cmp"
	"slices"
	"strings"

	"metadb/internal/change"
)

// TableGroup is a set of lanes with events of the same tables, with the approximate cost of
// applying them, in bytes.
type TableGroup struct {
	lanes []change.Lane
	cost  int
}

// tableCost is the cost of the statements for a table with any number of events, in bytes of
// events.
const tableCost = 32 << 10

// GroupTables returns the groups of a batch's lanes, in the order of their first events.
func (b *Batch) GroupTables() []*TableGroup {
	g := &tableGroups{byLane: make(map[change.Lane]*TableGroup), byTable: make(map[change.Table]*TableGroup)}
	var at *TableGroup
	var lane change.Lane
	var table change.Table
	for i := range b.Events {
		e := &b.Events[i]
		if at == nil || e.Position.Partition.Lane() != lane || e.Table != table {
			lane, table = e.Position.Partition.Lane(), e.Table
			at = g.assignLane(lane, table)
		}
		at.cost += e.Size()
	}
	for table, of := range g.byTable {
		for _, other := range sharedRelationNames(table) {
			g.mergeGroups(g.byTable[other], of)
			of = g.byTable[table]
		}
	}
	return slices.DeleteFunc(g.groups, func(g *TableGroup) bool { return g.lanes == nil })
}

// tableGroups is the state of grouping: a union-find over lanes and tables.
type tableGroups struct {
	groups  []*TableGroup
	byLane  map[change.Lane]*TableGroup
	byTable map[change.Table]*TableGroup
}

// assignLane returns the group of a lane that has an event of a table, and merges it with the
// table's.
func (g *tableGroups) assignLane(lane change.Lane, table change.Table) *TableGroup {
	at := g.byLane[lane]
	if at == nil {
		at = &TableGroup{lanes: []change.Lane{lane}, cost: tableCost}
		g.byLane[lane], g.groups = at, append(g.groups, at)
	}
	if table != (change.Table{}) {
		g.mergeGroups(at, g.byTable[table])
		g.byTable[table] = at
	}
	return at
}

// mergeGroups makes one group of two, either of which may be nil.
func (g *tableGroups) mergeGroups(into, other *TableGroup) {
	if into == nil || other == nil || into == other {
		return
	}
	into.lanes, into.cost = append(into.lanes, other.lanes...), into.cost+other.cost
	for _, lane := range other.lanes {
		g.byLane[lane] = into
	}
	for table, of := range g.byTable {
		if of == other {
			g.byTable[table] = into
		}
	}
	other.lanes = nil
}

// historyPrefix is the prefix of the names of a main table's partitions.
const historyPrefix = "zzz___"

// sharedRelationNames returns the tables that may have a relation with a table's name. If one of
// them is in the same batch, the events must decide by their order which of the two tables is
// created, not the faster session.
func sharedRelationNames(table change.Table) []change.Table {
	var all []change.Table
	name := strings.TrimPrefix(table.Name, historyPrefix)
	for i := range name {
		if i > 0 && strings.HasPrefix(name[i:], "__") {
			all = append(all, change.Table{Schema: table.Schema, Name: name[:i]})
		}
	}
	return all
}

// LaneSessions has the last session of each lane, so that a table stays with the session that
// has its prepared statements and stages.
type LaneSessions struct{ lastSession map[change.Lane]int }

// AssignSessions assigns each lane to one of n sessions, with about the same cost for each.
func (s *LaneSessions) AssignSessions(groups []*TableGroup, n int) map[change.Lane]int {
	if s.lastSession == nil {
		s.lastSession = make(map[change.Lane]int)
	}
	all := 0
	for _, g := range groups {
		all += g.cost
	}
	load, most := make([]int, n), all/n+all/8 // moving a table costs, too
	slices.SortStableFunc(groups, func(a, b *TableGroup) int { return cmp.Compare(b.cost, a.cost) })
	assigned := make(map[change.Lane]int)
	for _, g := range groups {
		session, known := s.lastSession[g.lanes[0]]
		if !known || load[session] > 0 && load[session]+g.cost > most {
			session = slices.Index(load, slices.Min(load))
		}
		load[session] += g.cost
		for _, lane := range g.lanes {
			assigned[lane], s.lastSession[lane] = session, session
		}
	}
	return assigned
}
