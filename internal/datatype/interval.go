package datatype

import (
	"encoding/binary"
	"strconv"
)

// intervalLength is the length of an interval: microseconds, days, months.
const intervalLength = 16

// AppendInterval appends an interval.
func AppendInterval(dst []byte, micros int64, days, months int32) []byte {
	dst = binary.BigEndian.AppendUint64(dst, uint64(micros))
	dst = binary.BigEndian.AppendUint32(dst, uint32(days))
	return binary.BigEndian.AppendUint32(dst, uint32(months))
}

// splitInterval takes an interval apart.
func splitInterval(value []byte) (micros int64, days, months int32) {
	return int64(binary.BigEndian.Uint64(value)),
		int32(binary.BigEndian.Uint32(value[8:])),
		int32(binary.BigEndian.Uint32(value[12:]))
}

// AppendIntervalText appends the text of an interval in its binary form, in
// the intervalstyle postgres.
// https://github.com/postgres/postgres/blob/REL_15_STABLE/src/backend/utils/adt/datetime.c (EncodeInterval)
func AppendIntervalText(dst, value []byte) []byte {
	micros, days, months := splitInterval(value)
	text := intervalText{dst: dst}
	text.appendPart(int64(months/12), "year")
	text.appendPart(int64(months%12), "mon")
	text.appendPart(int64(days), "day")
	if text.started && micros == 0 {
		return text.dst
	}
	if text.started {
		text.dst = append(text.dst, ' ')
	}
	return text.appendClock(micros)
}

// intervalText is the text of an interval while it is written.
type intervalText struct {
	dst []byte
	// started means that a part has been written, negative that the last part was below zero: a
	// positive part after it gets a sign.
	started, negative bool
}

// appendPart writes "3 days", and leaves out a zero.
func (t *intervalText) appendPart(count int64, unit string) {
	if count == 0 {
		return
	}
	if t.started {
		t.dst = append(t.dst, ' ')
	}
	if t.negative && count > 0 {
		t.dst = append(t.dst, '+')
	}
	t.dst = strconv.AppendInt(t.dst, count, 10)
	t.dst = append(t.dst, ' ')
	t.dst = append(t.dst, unit...)
	if count != 1 {
		t.dst = append(t.dst, 's')
	}
	t.started, t.negative = true, count < 0
}

// appendClock writes the time of an interval; its hours have no limit.
func (t *intervalText) appendClock(micros int64) []byte {
	magnitude := uint64(micros)
	switch {
	case micros < 0:
		magnitude = -magnitude
		t.dst = append(t.dst, '-')
	case t.negative:
		t.dst = append(t.dst, '+')
	}
	seconds := int64(magnitude / 1000000)
	t.dst = appendPadded(t.dst, seconds/3600, 2)
	t.dst = append(t.dst, ':')
	t.dst = appendPadded(t.dst, seconds/60%60, 2)
	t.dst = append(t.dst, ':')
	t.dst = appendPadded(t.dst, seconds%60, 2)
	return appendFraction(t.dst, int64(magnitude%1000000))
}
