package datatype_test

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"testing"

	"metadb/internal/change"
	"metadb/internal/datatype"
)

// samples returns values of a type in their binary form: its extremes and
// random ones.
func samples(t *testing.T, typ change.Type, random *rand.Rand) [][]byte {
	t.Helper()
	var values [][]byte
	add := func(value []byte, err error) {
		if err == nil {
			values = append(values, value)
		}
	}
	for range 1000 {
		switch typ {
		case change.Text:
			add([]byte(string(rune(1+random.IntN(0xd000)))+"\"\\\n"), nil)
		case change.Boolean:
			add([]byte{byte(random.IntN(2))}, nil)
		case change.SmallInt:
			add(binary.BigEndian.AppendUint16(nil, uint16(random.Uint32())), nil)
		case change.Integer:
			add(binary.BigEndian.AppendUint32(nil, random.Uint32()), nil)
		case change.BigInt:
			add(binary.BigEndian.AppendUint64(nil, random.Uint64()>>random.IntN(64)), nil)
		case change.Real:
			add(binary.BigEndian.AppendUint32(nil, random.Uint32()), nil)
			add(binary.BigEndian.AppendUint32(nil, math.Float32bits(float32(random.IntN(1e6))/100)), nil)
		case change.Double:
			add(binary.BigEndian.AppendUint64(nil, random.Uint64()), nil)
			add(binary.BigEndian.AppendUint64(nil, math.Float64bits(float64(random.IntN(1e9))/1000)), nil)
		case change.Numeric:
			add(datatype.AppendNumericInt(nil, int64(random.Uint64())>>random.IntN(64), random.IntN(40)-10))
			wide := new(big.Int).Lsh(big.NewInt(int64(random.Uint64())), uint(random.IntN(300)))
			add(datatype.AppendNumericBig(nil, wide, random.IntN(80)-20))
		case change.Date:
			add(datatype.AppendDate(nil, random.Int64N(2147483493)-2440588))
			add(datatype.AppendDate(nil, random.Int64N(1000000)-500000))
		case change.Time:
			add(datatype.AppendTime(nil, random.Int64N(86400000001)))
		case change.TimeTZ:
			add(datatype.AppendTimeTZ(nil, random.Int64N(86400000001), random.IntN(115199)-57599))
		case change.Timestamp, change.TimestampTZ:
			add(datatype.AppendTimestamp(nil, int64(random.Uint64())>>random.IntN(20)))
		case change.Interval:
			add(datatype.AppendInterval(nil, int64(random.Uint64())>>random.IntN(64), int32(random.Uint32())>>random.IntN(32), int32(random.Uint32())>>random.IntN(32)), nil)
		case change.UUID:
			value := make([]byte, 16)
			binary.BigEndian.PutUint64(value, random.Uint64())
			binary.BigEndian.PutUint64(value[8:], random.Uint64())
			add(value, nil)
		case change.JSONB:
			add(datatype.AppendJSONB(nil, fmt.Appendf(nil, `{"b": [%d, %d.50, -0.0, 1e%d, null], "a": {"": "é\u%04x\n\u001f", "zz": true, "y": {}}, "b": []}`,
				random.Int64(), random.Uint32(), random.IntN(40)-20, 1+random.IntN(0xd000))), nil)
		case change.Bytea:
			add(binary.BigEndian.AppendUint64(nil, random.Uint64())[:random.IntN(9)], nil)
		}
	}
	return append(values, extremes(typ)...)
}

// extremes returns the values of a type that are most error-prone.
func extremes(typ change.Type) [][]byte {
	var values [][]byte
	add := func(value []byte, err error) {
		if err == nil {
			values = append(values, value)
		}
	}
	switch typ {
	case change.Real:
		for _, f := range []float64{0, math.Copysign(0, -1), math.NaN(), math.Inf(1), math.Inf(-1), 1e-4, 1e-5, 999999, 1e6, math.MaxFloat32, math.SmallestNonzeroFloat32, 1 << 24, 1<<24 + 2, 8.5899346e9, 9.8e9} {
			add(binary.BigEndian.AppendUint32(nil, math.Float32bits(float32(f))), nil)
		}
	case change.Double:
		for _, f := range []float64{0, math.Copysign(0, -1), math.NaN(), math.Inf(1), math.Inf(-1), 1e-4, 1e-5, 999999999999999, 1e15, math.MaxFloat64, math.SmallestNonzeroFloat64, 1 << 53, 1e22, 1e23, 9.5e22, 2e23, 8.5e22, 5e-324, 9007199254740993} {
			add(binary.BigEndian.AppendUint64(nil, math.Float64bits(f)), nil)
		}
		for exponent := range 400 {
			add(binary.BigEndian.AppendUint64(nil, math.Float64bits(math.Pow(10, float64(exponent-100)))), nil)
			add(binary.BigEndian.AppendUint64(nil, math.Float64bits(math.Ldexp(1, exponent-100))), nil)
		}
	case change.Numeric:
		add(datatype.AppendNumericNaN(nil), nil)
		add(datatype.AppendNumericInf(nil, false), nil)
		add(datatype.AppendNumericInf(nil, true), nil)
		for _, text := range []string{"0", "0.000", "-0.00", "1", "1.0", "10000", "0.0001", "0.00001", "99999.99990", "1e10", "1.5e-3", "12e+3", "-1234567890123456789.0123456789"} {
			add(datatype.AppendNumericText(nil, text))
		}
		add(datatype.AppendNumericInt(nil, 1, 16383))
		add(datatype.AppendNumericInt(nil, -7, -131071))
	case change.Date:
		add(datatype.AppendDateInfinity(nil, datatype.PositiveInfinity), nil)
		add(datatype.AppendDateInfinity(nil, datatype.NegativeInfinity), nil)
		for _, days := range []int64{-2440588, 2145042905, -719162, -719163, -719528, 0, -1} {
			add(datatype.AppendDate(nil, days))
		}
	case change.Timestamp, change.TimestampTZ:
		add(datatype.AppendTimestampInfinity(nil, datatype.PositiveInfinity), nil)
		add(datatype.AppendTimestampInfinity(nil, datatype.NegativeInfinity), nil)
		add(datatype.AppendTimestampParts(nil, datatype.DaysSinceEpoch(294276, 12, 31), 86399999999))
		add(datatype.AppendTimestampParts(nil, datatype.DaysSinceEpoch(-4713, 11, 24), 0))
		add(datatype.AppendTimestampParts(nil, datatype.DaysSinceEpoch(0, 12, 31), 86399999999))
		add(datatype.AppendTimestamp(nil, -1))
	case change.Interval:
		for _, parts := range [][3]int64{{0, 0, 0}, {-1, 0, 0}, {1, -1, 0}, {0, 1, -1}, {0, -1, 1}, {-1, -1, -1}, {3600000000, 1, 12}, {math.MaxInt64, math.MaxInt32, math.MaxInt32}, {math.MinInt64 + 1, math.MinInt32, math.MinInt32}, {0, 0, -13}, {0, 5, -12}} {
			add(datatype.AppendInterval(nil, parts[0], int32(parts[1]), int32(parts[2])), nil)
		}
	}
	return values
}

// lookalikes returns equal values with different notations.
func lookalikes(t *testing.T, typ change.Type) [][]byte {
	t.Helper()
	var values [][]byte
	switch typ {
	case change.Numeric:
		for _, text := range []string{"1", "1.0", "1.00", "100", "1e2", "0", "-0.0", "0.000"} {
			value, err := datatype.AppendNumericText(nil, text)
			if err != nil {
				t.Fatal(err)
			}
			values = append(values, value)
		}
	case change.Interval:
		for _, parts := range [][3]int64{{0, 30, 0}, {0, 0, 1}, {86400000000, 29, 0}, {-86400000000, 31, 0}, {0, -30, 2}, {1, 0, 1}, {2592000000000, 0, 0}, {-1, 0, 0}, {86399999999, -1, 0}} {
			values = append(values, datatype.AppendInterval(nil, parts[0], int32(parts[1]), int32(parts[2])))
		}
	case change.Double:
		values = append(values, binary.BigEndian.AppendUint64(nil, math.Float64bits(math.NaN())|1<<63))
	case change.JSONB:
		for _, text := range []string{
			`{"a":"1","b":"2"}`, `{"b":"2","a":"1"}`, `{"b":"x", "a":"1", "b":"2"}`, `{"\u0061":"1","b":"\u0032"}`, `{"a":1,"b":2}`, `{"a":1.0,"b":2e0}`,
			`[1,2]`, `[2,1]`, ` [1.00, 2.0] `, `1`, `1.0`, `10e-1`, `[1]`, `"1"`, `"#1"`, `-0`, `0`, `0.0`, `[0]`, `[-0.00]`, `null`, `[null]`, `[]`, `{}`, `[[]]`, `[{}]`,
			`100`, `1e2`, `true`, `"true"`, `""`, `"\u00e9"`, `"é"`, `"e\u0301"`, `"\ud83d\ude00"`, `"😀"`, `{"a":{"b":{"d":1,"c":[0.10]}}}`, `{"a":{"b":{"c":[1e-1],"d":1}}}`,
			`123456789012345678901234567890.1230`, `123456789012345678901234567890.123`, `{"aa":1,"b":2}`, `{"b":2,"aa":1}`,
		} {
			values = append(values, datatype.AppendJSONB(nil, []byte(text)))
		}
	}
	return values
}
