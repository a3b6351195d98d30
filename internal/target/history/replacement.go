package history

import (
	"bytes"
	"errors"

	"metadb/internal/change"
)

// ErrNeedsHistory is the error of a replacement if history has to be read for a key;
// ErrNeedsComparison, if rows of one key have to be compared by PostgreSQL.
var (
	ErrNeedsHistory    = errors.New("a row has to be looked up in history")
	ErrNeedsComparison = errors.New("rows of one key have to be compared")
)

// Replacement is the replacement of the rows of a chunk. OldRows has the rows that were current,
// by the heads of their chains; decision has the versions that end and begin; ids are the ids of the
// new versions; unchanged has the changes that equal their old rows.
type Replacement struct {
	OldRows  []CurrentRow
	Decision *Decision
	IDs      []int64
	// VersionNumbers has the number of each change's version, none if it makes no version.
	VersionNumbers []int
	Unchanged      map[int]bool
	// Effects are the effects on the rows.
	Effects []RowEffect
}

// NewReplacement returns the replacement of a chunk's rows. If each key has a single event, an
// upsert, the row effects are set from the beginning.
func NewReplacement(f *FoldedChunk) Replacement {
	x := Replacement{OldRows: make([]CurrentRow, len(f.Changes))}
	if f.SeveralPerKey {
		return x
	}
	x.Effects = make([]RowEffect, len(f.Changes))
	versions := make([]WrittenVersion, len(f.Changes))
	for i := range x.Effects {
		if !f.Changes[i].Upsert {
			x.Effects = nil
			return x
		}
		versions[i].Change = i
		x.Effects[i] = RowEffect{Head: i, Written: versions[i : i+1 : i+1]}
	}
	return x
}

// Decide decides about the changes, after OldRows has been read: the only event of a key counts as
// a change, and is compared later. It returns ErrNeedsHistory for a key without a current row that
// may have been current at the time of its event or later.
func (x *Replacement) Decide(f *FoldedChunk, lastEnd change.Micros) error {
	m := &Matches{first: x.OldRows}
	early, _ := m.HistoryQuestions(f, lastEnd)
	if early != nil {
		return ErrNeedsHistory
	}
	var err error
	if m.Unchanged, err = x.findEqualNeighbours(f); err != nil {
		return err
	}
	x.Decision = Decide(f, m)
	return nil
}

// findEqualNeighbours returns the changes that equal the change before them.
func (x *Replacement) findEqualNeighbours(f *FoldedChunk) (map[int]bool, error) {
	if !f.SeveralPerKey {
		return nil, nil
	}
	same, telling := make(map[int]bool), FindQuickCompare(f.Chunk)
	for i := range f.Changes {
		it := &f.Changes[i]
		switch {
		case it.Head:
			several := i+1 < len(f.Changes) && !f.Changes[i+1].Head
			if several && it.Upsert && x.OldRows[i].ID != 0 && !x.OldRows[i].CertainlyDiffers {
				return nil, ErrNeedsComparison
			}
		case !it.Upsert || !it.FollowsUpsert || telling.DiffersFrom(it.Row, telling.valuesOf(f.Changes[i-1].Row)):
		case bytes.Equal(f.Changes[i-1].Row, it.Row):
			same[i] = true
		default:
			return nil, ErrNeedsComparison
		}
	}
	return same, nil
}

// AssignIDs sets the ids of the new versions, and the row effects that have them.
func (x *Replacement) AssignIDs(f *FoldedChunk, ids []int64) {
	x.IDs, x.VersionNumbers = ids, make([]int, len(f.Changes))
	for i := range x.VersionNumbers {
		x.VersionNumbers[i] = None
	}
	for n, v := range x.Decision.Versions {
		x.VersionNumbers[v.Change] = n
	}
	if x.Effects == nil {
		x.Effects = RowEffects(f, x.Decision, ids)
		return
	}
	for i := range x.Effects {
		x.Effects[i].Written[0] = WrittenVersion{x.Decision.Versions[i], ids[i]}
	}
	for _, e := range x.Decision.Ended {
		x.Effects[e.Head].addEnded(e)
	}
}
