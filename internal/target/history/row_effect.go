package history

import "metadb/internal/change"

// The rows of a transformed table follow from its parent (docs/spec/09-json-mappings.md#history).
// Each strategy describes its effect on the rows of the parent by row effects, from which the
// transformed tables are updated.

// RowEffect is the effect of a chunk on one row: the versions that it ended in the database, and
// those that it wrote, in their order.
type RowEffect struct {
	// Head is the number of the first change of the key.
	Head int
	// EndedIDs are the ids of the versions that were current. start is the earliest of their
	// starts, end the time at which they ended.
	EndedIDs   []int64
	Start, End change.Micros
	Written    []WrittenVersion
}

// WrittenVersion is a new version with its id.
type WrittenVersion struct {
	BegunVersion
	ID int64
}

// RowEffects returns the effect of a decision on each row that it changed. ids are the ids of the
// new versions.
func RowEffects(f *FoldedChunk, d *Decision, ids []int64) []RowEffect {
	effects := make([]RowEffect, 0, max(len(d.Versions), len(d.Ended)))
	versions := make([]WrittenVersion, len(d.Versions))
	for i := range versions {
		versions[i] = WrittenVersion{d.Versions[i], ids[i]}
	}
	e, v := 0, 0
	for i := 0; i < len(f.Changes); {
		next := f.chainEnd(i)
		effect := RowEffect{Head: i}
		for ; e < len(d.Ended) && d.Ended[e].Head < next; e++ {
			effect.addEnded(d.Ended[e])
		}
		first := v
		for v < len(versions) && versions[v].Change < next {
			v++
		}
		effect.Written = versions[first:v:v]
		if effect.EndedIDs != nil || len(effect.Written) > 0 {
			effects = append(effects, effect)
		}
		i = next
	}
	return effects
}

func (l *RowEffect) addEnded(e EndedVersion) {
	if l.EndedIDs == nil || e.Start < l.Start {
		l.Start = e.Start
	}
	l.EndedIDs, l.End = append(l.EndedIDs, e.ID), max(l.End, e.End)
}
