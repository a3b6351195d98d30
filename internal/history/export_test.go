package history

import "metadb/internal/change"

// Exchanges reports whether the next chunk of a table is to go the way of
// exchange.
func (a *Applier) Exchanges(table change.Table) bool { return a.habits[table].differing }
