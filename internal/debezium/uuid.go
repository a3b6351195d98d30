package debezium

import (
	"metadb/internal/change"
	"metadb/internal/datatype"
)

// appendUUID converts UUIDs.
func appendUUID(row change.Row, text []byte) (change.Row, error) {
	row, mark := change.BeginCell(row)
	row, err := datatype.AppendUUID(row, text)
	if err != nil {
		return nil, err
	}
	return change.EndCell(row, mark), nil
}
