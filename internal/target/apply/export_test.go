package apply

import "metadb/internal/change"

// ReplacesRows reports whether the next chunk of a table is to be written by replaceRows.
func (a *Applier) ReplacesRows(table change.Table) bool { return a.profiles[table].mostlyChanged }

// ConfirmsUnchanged reports whether the next chunk of a table is to be written by confirmUnchanged.
func (a *Applier) ConfirmsUnchanged(table change.Table) bool {
	h := a.profiles[table]
	return h.mostlyUnchanged && !h.encodingDiffers
}

// SetPieceBytes sets the size in bytes of transformed rows from which on documents are processed in
// pieces.
func (a *Applier) SetPieceBytes(bytes int) { a.pieceBytes = bytes }

// NeedsComparison reports whether events of one key of a table had to be compared.
func (a *Applier) NeedsComparison(table change.Table) bool { return a.profiles[table].needsComparison }
