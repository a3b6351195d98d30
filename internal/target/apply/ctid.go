package apply

import (
	"encoding/binary"

	"github.com/jackc/pgx/v5/pgtype"
)

// readCtid reads a ctid as PostgreSQL sends it: where a row of a table stands. It
// is good for as long as nobody else changes the row, and quicker than an index.
// https://www.postgresql.org/docs/current/ddl-system-columns.html
func readCtid(raw []byte) pgtype.TID {
	return pgtype.TID{BlockNumber: binary.BigEndian.Uint32(raw), OffsetNumber: binary.BigEndian.Uint16(raw[4:]), Valid: true}
}
