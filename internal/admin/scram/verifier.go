package scram

import (
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"

	"github.com/xdg-go/stringprep"
)

// Mechanism is the name of the mechanism.
// https://www.rfc-editor.org/rfc/rfc7677
const Mechanism = "SCRAM-SHA-256"

// Iterations is the number of hash iterations: more than the 4,096 of PostgreSQL, which is the
// least that RFC 7677 allows, so that guessing a password from a stolen verifier takes longer. A
// client computes the hash for some milliseconds at each login.
const Iterations = 15_000

const saltBytes = 16

// Verifier contains the values with which a server checks a password.
type Verifier struct {
	Salt                 []byte
	StoredKey, ServerKey []byte
}

// New makes the verifier of a password, prepared with SASLprep if possible: PostgreSQL uses other
// passwords unchanged.
func New(password string) (*Verifier, error) {
	v := &Verifier{Salt: make([]byte, saltBytes)}
	if _, err := rand.Read(v.Salt); err != nil {
		return nil, err
	}
	if prepared, err := stringprep.SASLprep.Prepare(password); err == nil {
		password = prepared
	}
	salted, err := pbkdf2.Key(sha256.New, password, v.Salt, Iterations, sha256.Size)
	if err != nil {
		return nil, err
	}
	stored := sha256.Sum256(MAC(salted, "Client Key"))
	v.StoredKey, v.ServerKey = stored[:], MAC(salted, "Server Key")
	return v, nil
}

// String returns the verifier in the form that PostgreSQL stores and accepts in place of a
// password.
// https://www.postgresql.org/docs/current/catalog-pg-authid.html
func (v *Verifier) String() string {
	encode := base64.StdEncoding.EncodeToString
	return fmt.Sprintf("%s$%d:%s$%s:%s", Mechanism, Iterations, encode(v.Salt), encode(v.StoredKey), encode(v.ServerKey))
}

// MAC returns the HMAC-SHA-256 of a message.
func MAC(key []byte, message string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(message))
	return h.Sum(nil)
}
