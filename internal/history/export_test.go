package history

import "metadb/internal/change"

// Exchanges reports whether the next chunk of a table is to go the way of
// exchange.
func (a *Applier) Exchanges(table change.Table) bool { return a.habits[table].differing }

// Recognizes reports whether the next chunk of a table is to go the way of
// recognize.
func (a *Applier) Recognizes(table change.Table) bool {
	h := a.habits[table]
	return h.same && !h.disguised
}

// InPieces makes pieces of documents whose transformed rows take so many bytes.
func (a *Applier) InPieces(bytes int) { a.pieceBytes = bytes }

// Vague reports whether events of one key of a table have had to be compared.
func (a *Applier) Vague(table change.Table) bool { return a.habits[table].vague }
