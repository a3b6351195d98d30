package connectjson_test

import (
	"encoding/base64"
	"math/big"
	"testing"
)

// twosComplement encodes a whole number as Debezium encodes the unscaled value
// of a decimal.
func twosComplement(t interface{ Fatalf(string, ...any) }, digits string) string {
	value, ok := new(big.Int).SetString(digits, 10)
	if !ok {
		t.Fatalf("%q is no number", digits)
	}
	length := value.BitLen()/8 + 1
	if value.Sign() < 0 {
		value.Add(value, new(big.Int).Lsh(big.NewInt(1), uint(length)*8))
	}
	return base64.StdEncoding.EncodeToString(value.FillBytes(make([]byte, length)))
}

func TestTwosComplement(t *testing.T) {
	for digits, want := range map[string]string{"0": "AA==", "-1": "/w==", "127": "fw==", "128": "AIA=", "-128": "/4A=", "1234": "BNI="} {
		if got := twosComplement(t, digits); got != want {
			t.Errorf("%s: got %s, want %s", digits, got, want)
		}
	}
}
