package debezium

import (
	"errors"

	"metadb/internal/change"
)

// unlimitedBits is the length that Debezium gives for a varbit without one.
const unlimitedBits = 2147483647

// maxBits is the longest bit string that PostgreSQL has.
const maxBits = 83886080

// bits converts bit(n) and varbit to their zeros and ones. The bytes are little-endian and have no
// zeros at the end, so that the length of a varbit and its leading zeros are lost before they come
// here. length is that of a bit(n), zero for a varbit of any length.
func bits(length int) func(change.Row, []byte) (change.Row, error) {
	return func(row change.Row, value []byte) (change.Row, error) {
		highest := len(value) * 8
		for highest > 0 && !bitAt(value, highest-1) {
			highest--
		}
		count := max(length, highest)
		if length > 0 && highest > length || count > maxBits {
			return nil, errors.New("there are more bits than the type has")
		}
		row, mark := change.BeginCell(row)
		for i := count - 1; i >= 0; i-- {
			if i < highest && bitAt(value, i) {
				row = append(row, '1')
			} else {
				row = append(row, '0')
			}
		}
		return change.EndCell(row, mark), nil
	}
}

// bitAt returns bit i of a little-endian value.
func bitAt(value []byte, i int) bool { return value[i/8]>>(i%8)&1 == 1 }
