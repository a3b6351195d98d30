package connectjson

import (
	"metadb/internal/change"
	"metadb/internal/datatype"
)

// uuidConverter converts UUIDs.
type uuidConverter struct{}

func (uuidConverter) convertValue(c *conversionState, s *scanner, row change.Row) (change.Row, error) {
	text, err := c.readString(s)
	if err != nil {
		return nil, err
	}
	if c.nested == 0 && c.placeholder.isText(text) {
		return change.AppendUnavailable(row), nil
	}
	row, mark := change.BeginCell(row)
	if row, err = datatype.AppendUUID(row, text); err != nil {
		return nil, err
	}
	return change.EndCell(row, mark), nil
}
