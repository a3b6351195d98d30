package change

// The hash of a key is FNV-1a, 64 bits: it is stored, and must be the same in each process.
const (
	hashOffset = 14695981039346656037
	hashPrime  = 1099511628211
)

// KeyHash returns a hash of the table and key of a change, or of the table alone for a
// truncate. Repetitions are recognized by it.
func KeyHash(e *Event) uint64 {
	h := uint64(hashOffset)
	h = hashString(h, e.Source.Schema)
	h = hashString(h, e.Source.Name)
	if e.Shape == nil {
		return h
	}
	for _, at := range e.Shape.Key {
		cell := e.Row.Cell(at)
		h = (h ^ uint64(cell.State)) * hashPrime
		for _, c := range cell.Bytes {
			h = (h ^ uint64(c)) * hashPrime
		}
		h = (h ^ uint64(len(cell.Bytes))) * hashPrime
	}
	return h
}

func hashString(h uint64, s string) uint64 {
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * hashPrime
	}
	return (h ^ 0xff) * hashPrime
}
