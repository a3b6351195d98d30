package apply

import "metadb/internal/change"

// The rows of a transformed table follow from its parent (docs/spec/09-json-mappings.md#history).
// Each strategy describes its effect on the rows of the parent by row effects, from which the
// transformed tables are updated.

// rowEffect is the effect of a chunk on one row: the versions that it ended in the database, and
// those that it wrote, in their order.
type rowEffect struct {
	// head is the number of the first change of the key.
	head int
	// endedIDs are the ids of the versions that were current. start is the earliest of their
	// starts, end the time at which they ended.
	endedIDs   []int64
	start, end change.Micros
	written    []writtenVersion
}

// writtenVersion is a new version with its id.
type writtenVersion struct {
	newVersion
	id int64
}

// rowEffects returns the effect of a decision on each row that it changed. ids are the ids of the
// new versions.
func rowEffects(f *foldedChunk, d *decision, ids []int64) []rowEffect {
	effects := make([]rowEffect, 0, max(len(d.versions), len(d.ended)))
	versions := make([]writtenVersion, len(d.versions))
	for i := range versions {
		versions[i] = writtenVersion{d.versions[i], ids[i]}
	}
	e, v := 0, 0
	for i := 0; i < len(f.changes); {
		next := f.chainEnd(i)
		effect := rowEffect{head: i}
		for ; e < len(d.ended) && d.ended[e].head < next; e++ {
			effect.addEnded(d.ended[e])
		}
		first := v
		for v < len(versions) && versions[v].change < next {
			v++
		}
		effect.written = versions[first:v:v]
		if effect.endedIDs != nil || len(effect.written) > 0 {
			effects = append(effects, effect)
		}
		i = next
	}
	return effects
}

func (l *rowEffect) addEnded(e endedVersion) {
	if l.endedIDs == nil || e.start < l.start {
		l.start = e.start
	}
	l.endedIDs, l.end = append(l.endedIDs, e.id), max(l.end, e.end)
}
