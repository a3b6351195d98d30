package debezium

import (
	"metadb/internal/change"
	"metadb/internal/datatype"
)

// uuid converts UUIDs.
type uuid struct{}

func (uuid) convert(c *conversion, s *scanner, row change.Row) (change.Row, error) {
	text, err := c.string(s)
	if err != nil {
		return nil, err
	}
	if c.nested == 0 && c.placeholder.isText(text) {
		return change.AppendUnavailable(row), nil
	}
	row, mark := change.Begin(row)
	if row, err = datatype.AppendUUID(row, text); err != nil {
		return nil, err
	}
	return change.End(row, mark), nil
}
