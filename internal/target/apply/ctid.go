package apply

import (
	"encoding/binary"

	"github.com/jackc/pgx/v5/pgtype"

	"metadb/internal/target/history"
)

// readCtid decodes a ctid from PostgreSQL's binary format.
func readCtid(raw []byte) history.CTID {
	return history.CTID{Block: binary.BigEndian.Uint32(raw), Offset: binary.BigEndian.Uint16(raw[4:])}
}

// tidOf returns a ctid as a statement parameter.
func tidOf(at history.CTID) pgtype.TID {
	return pgtype.TID{BlockNumber: at.Block, OffsetNumber: at.Offset, Valid: true}
}
