package jsonmap

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
)

// Mapping is one mapping of a table.
type Mapping struct {
	// Column is the JSON column's name as stored.
	Column string
	// Path is $ or $.a.b, Target the name that it is mapped to.
	Path, Target string
}

// MappingSet is the compiled mappings of one table. It is immutable.
type MappingSet struct {
	// Columns has the JSON columns, Targets the targets: table i of the set is that of target i,
	// with rows where an array, or the document itself, is at its path.
	Columns []string
	Targets []string
	// Unused has the mappings without effect: their path is invalid, or a parent path is not
	// mapped.
	Unused []Mapping

	nodes       []mappedNode
	rootNodes   []int
	fingerprint string
}

// mappedNode is a mapped path.
type mappedNode struct {
	path   string
	target string
	column int
	// members finds the mapped paths below this one.
	members map[string]int
	// positionNodes has the nodes from below $ to this one: those that are arrays in a document give its
	// rows a position.
	positionNodes []int
}

// Compile returns the set of a table's mappings. Mappings with an invalid path are among the
// unused.
func Compile(mappings []Mapping) *MappingSet {
	mappings = slices.Clone(mappings)
	// Parents come before children, and the result does not depend on the given order.
	slices.SortFunc(mappings, func(a, b Mapping) int {
		return cmp.Or(strings.Compare(a.Column, b.Column),
			cmp.Compare(strings.Count(a.Path, "."), strings.Count(b.Path, ".")), strings.Compare(a.Path, b.Path))
	})
	s := &MappingSet{}
	byPath := make(map[[2]string]int, len(mappings))
	var text strings.Builder
	for _, m := range mappings {
		text.WriteString(m.Column + "\x00" + m.Path + "\x00" + m.Target + "\x00")
		names, err := ParsePath(m.Path)
		above := -1
		if parent, below := ParentPath(m.Path); below && err == nil {
			at, mapped := byPath[[2]string{m.Column, parent}]
			if above = at; !mapped {
				err = errUnmapped
			}
		}
		if err != nil {
			s.Unused = append(s.Unused, m)
			continue
		}
		at := len(s.nodes)
		byPath[[2]string{m.Column, m.Path}] = at
		s.Targets = append(s.Targets, m.Target)
		if above < 0 {
			s.rootNodes = append(s.rootNodes, at)
			s.nodes = append(s.nodes, mappedNode{path: m.Path, target: m.Target, column: len(s.Columns)})
			s.Columns = append(s.Columns, m.Column)
			continue
		}
		parent := &s.nodes[above]
		if parent.members == nil {
			parent.members = make(map[string]int)
		}
		parent.members[names[len(names)-1]] = at
		s.nodes = append(s.nodes, mappedNode{
			path: m.Path, target: m.Target, column: parent.column,
			positionNodes: append(slices.Clone(parent.positionNodes), at),
		})
	}
	sum := sha256.Sum256([]byte(text.String()))
	s.fingerprint = hex.EncodeToString(sum[:16])
	return s
}

// IsEmpty reports whether the set has no mappings that are used.
func (s *MappingSet) IsEmpty() bool { return len(s.nodes) == 0 }

// Fingerprint identifies the set: two sets with the same text have the same mappings.
func (s *MappingSet) Fingerprint() string { return s.fingerprint }

// PositionColumns returns the names of the columns for the positions of a table's rows, in the order of
// [Rows.Positions].
func (s *MappingSet) PositionColumns(table int) []string {
	var names []string
	for _, at := range s.nodes[table].positionNodes {
		names = append(names, PositionColumn(s.nodes[at].target))
	}
	return names
}
