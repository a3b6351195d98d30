package apply

import (
	"encoding/binary"

	"github.com/jackc/pgx/v5/pgtype"
)

// readCtid decodes a ctid, the physical position of a row, from PostgreSQL's binary format. It is
// valid until another session changes the row, and a lookup by it is faster than by an index.
// https://www.postgresql.org/docs/current/ddl-system-columns.html
func readCtid(raw []byte) pgtype.TID {
	return pgtype.TID{BlockNumber: binary.BigEndian.Uint32(raw), OffsetNumber: binary.BigEndian.Uint16(raw[4:]), Valid: true}
}
