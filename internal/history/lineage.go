package history

import "metadb/internal/change"

// A transformed row's truth is its parent (docs/spec/09-json-mappings.md#history). What a chunk did to the rows
// of a table is told as lineages, whichever way it went; the tables that are
// transformed from it follow.

// lineage is what a chunk did to one row: the versions that it ended in the
// database, and those that it wrote, in their order.
type lineage struct {
	// item is the number of the first item of the key.
	item int
	// ended are the ids of the versions that were current, from the earliest
	// start on; end is when they ended.
	ended      []int64
	start, end change.Micros
	begun      []begun
}

// begun is a new version with its id.
type begun struct {
	version
	id int64
}

// lineages returns what a decision did, for each row that it touched. ids are
// those of the new versions.
func lineages(f *folded, d *decision, ids []int64) []lineage {
	lines := make([]lineage, 0, max(len(d.versions), len(d.endings)))
	versions := make([]begun, len(d.versions))
	for i := range versions {
		versions[i] = begun{d.versions[i], ids[i]}
	}
	e, v := 0, 0
	for i := 0; i < len(f.items); {
		next := f.chainEnd(i)
		line := lineage{item: i}
		for ; e < len(d.endings) && d.endings[e].item < next; e++ {
			line.endedBy(d.endings[e])
		}
		first := v
		for v < len(versions) && versions[v].item < next {
			v++
		}
		line.begun = versions[first:v:v]
		if line.ended != nil || len(line.begun) > 0 {
			lines = append(lines, line)
		}
		i = next
	}
	return lines
}

func (l *lineage) endedBy(e ending) {
	if l.ended == nil || e.start < l.start {
		l.start = e.start
	}
	l.ended, l.end = append(l.ended, e.id), max(l.end, e.end)
}
