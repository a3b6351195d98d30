package history

import "metadb/internal/change"

// OldKeyProbe is a row of a stage with a key only: an old key, under which unavailable values are
// looked up.
type OldKeyProbe struct {
	*OldKey
	Origin change.Origin
}

// OldKeyProbes returns the old keys under which unavailable values are looked up, and the index of
// the probe of each change that needs one.
func (f *FoldedChunk) OldKeyProbes(events []change.Event) (probes []OldKeyProbe, of map[int]int) {
	for i := range f.Changes {
		if it := &f.Changes[i]; it.OldKeySource != nil {
			if of == nil {
				of = make(map[int]int)
			}
			of[i] = len(probes)
			probes = append(probes, OldKeyProbe{it.OldKeySource, events[it.Event].Origin})
		}
	}
	return probes, of
}

// OldKeyNullPatterns returns the null patterns of the old keys.
func (f *FoldedChunk) OldKeyNullPatterns() map[NullPattern]bool {
	found := make(map[NullPattern]bool, 1)
	for i := range f.Changes {
		if via := f.Changes[i].OldKeySource; via != nil {
			found[nullsOfKey(via.Row)] = true
		}
	}
	return found
}
