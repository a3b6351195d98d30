package server

import (
	"metadb/internal/observe/status"
	"metadb/internal/target/catalog"
)

// columnStatus returns, by source, the tables with columns that need the administrator's
// attention: tables that need reading again, and columns that only snapshots have.
func columnStatus(store *catalog.Store) map[string]status.Columns {
	bySource := make(map[string]status.Columns)
	for t := range store.Snapshot().All() {
		excluded := t.ExcludeSetting()
		if t.Source == "" || len(t.Outdated) == 0 && excluded == "" {
			continue
		}
		c := bySource[t.Source]
		if len(t.Outdated) > 0 {
			c.Outdated = append(c.Outdated, status.Outdated{Table: t.Name.String(), Reasons: t.Outdated, ResyncCommands: t.ResyncCommands()})
		}
		if excluded != "" {
			c.SnapshotOnly = append(c.SnapshotOnly, excluded)
		}
		bySource[t.Source] = c
	}
	return bySource
}
