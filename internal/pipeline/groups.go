package pipeline

import (
	"cmp"
	"slices"

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
	var all []*group
	byTopic, byTable := make(map[string]*group), make(map[change.Table]*group)
	var g *group
	var topic string
	var table change.Table
	for i := range b.Events {
		e := &b.Events[i]
		if g == nil || e.Position.Partition.Topic != topic || e.Table != table {
			topic, table = e.Position.Partition.Topic, e.Table
			if g = byTopic[topic]; g == nil {
				g = &group{topics: []string{topic}, cost: tableCost}
				byTopic[topic], all = g, append(all, g)
			}
			if other := byTable[table]; other != nil && other != g && table != (change.Table{}) {
				g.topics, g.cost, other.cost = append(g.topics, other.topics...), g.cost+other.cost, 0
				for _, joined := range other.topics {
					byTopic[joined] = g
				}
				for name, of := range byTable {
					if of == other {
						byTable[name] = g
					}
				}
				other.topics = nil
			}
			byTable[table] = g
		}
		g.cost += size(e)
	}
	return slices.DeleteFunc(all, func(g *group) bool { return g.topics == nil })
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
