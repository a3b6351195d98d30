package status

import (
	"slices"

	"metadb/internal/change"
)

// makePlain removes control characters from every text of a report: names come from the source, and
// the text may be shown by a terminal. The report must not share its slices.
func (r *Report) makePlain() {
	for _, text := range []*string{&r.Message, &r.Refreshing.Table, &r.Attempts, &r.Stray, &r.Compacted, &r.Confirming.Ending} {
		*text = change.PlainText(*text)
	}
	for _, list := range [][]string{r.Skipped, r.Refused, r.Parked} {
		plainLines(list)
	}
	for i := range r.GapTables {
		t := &r.GapTables[i]
		t.Schema, t.Name = change.PlainText(t.Schema), change.PlainText(t.Name)
	}
	for i := range r.Faults {
		f := &r.Faults[i]
		f.Table, f.Problem, f.Text = change.PlainText(f.Table), change.PlainText(f.Problem), change.PlainText(f.Text)
	}
	r.Blockers = slices.Clone(r.Blockers)
	for i := range r.Blockers {
		b := &r.Blockers[i]
		b.Table, b.User, b.Prepared = change.PlainText(b.Table), change.PlainText(b.User), change.PlainText(b.Prepared)
	}
}

// plainTexts returns the columns without control characters in their texts.
func (c Columns) plainTexts() Columns {
	c.Outdated, c.SnapshotOnly = slices.Clone(c.Outdated), slices.Clone(c.SnapshotOnly)
	for i := range c.Outdated {
		o := &c.Outdated[i]
		o.Table, o.ResyncCommands, o.Reasons = change.PlainText(o.Table), change.PlainText(o.ResyncCommands), slices.Clone(o.Reasons)
		plainLines(o.Reasons)
	}
	plainLines(c.SnapshotOnly)
	return c
}

func plainLines(list []string) {
	for i := range list {
		list[i] = change.PlainText(list[i])
	}
}
