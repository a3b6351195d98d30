package wire

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"slices"
	"strconv"
	"strings"

	"metadb/internal/admin/scram"
)

// scramMechanism is the SASL mechanism that is always offered; mechanismPlus is the other one.
// https://www.rfc-editor.org/rfc/rfc5802
const scramMechanism = scram.Mechanism

const nonceBytes = 18

// errExchange is the error for messages that violate SCRAM's RFC. A wrong password is not such an
// error.
var errExchange = errors.New("malformed SCRAM message")

// roleVerifier contains the verifier of a role's password. It is made when the server starts and
// when the passwords change, and is never stored.
type roleVerifier struct {
	*scram.Verifier
	// empty is true if the password is empty: every login fails then.
	empty bool
}

// newVerifier returns the verifier of a password.
func newVerifier(password string) (*roleVerifier, error) {
	v, err := scram.New(password)
	return &roleVerifier{Verifier: v, empty: password == ""}, err
}

// scramExchange is one SCRAM exchange, of two messages from each side.
type scramExchange struct {
	*roleVerifier
	// endPoint is the hash that the client signs for channel binding, nil if that is not offered;
	// bound is true if the client has chosen it.
	endPoint []byte
	bound    bool
	// header is the client's GS2 header: "n,,", "y,," or bindingFlag with two commas.
	header string
	// nonce is the client's nonce followed by the server's.
	nonce string
	// first contains the client's first message, without the header, and the server's.
	first string
}

// mechanisms returns the offered mechanisms, the stronger one first.
func (x *scramExchange) mechanisms() []string {
	if x.endPoint == nil {
		return []string{scramMechanism}
	}
	return []string{mechanismPlus, scramMechanism}
}

// choose records the client's choice, and reports whether that mechanism was offered.
func (x *scramExchange) choose(chosen string) bool {
	x.bound = chosen == mechanismPlus
	return slices.Contains(x.mechanisms(), chosen)
}

// takes reports whether the client's first message may have a channel binding flag. "n" is a client
// without channel binding. "y" is a client with channel binding that has seen no offer of it: where
// it was offered, a man in the middle has removed the offer.
// https://www.rfc-editor.org/rfc/rfc5802#section-6
func (x *scramExchange) takes(flag string) bool {
	switch {
	case x.bound:
		return flag == bindingFlag
	case flag == "y":
		return x.endPoint == nil
	}
	return flag == "n"
}

// bindingInput returns the bytes that the client's last message repeats: the header, and the hash
// that it signs.
func (x *scramExchange) bindingInput() []byte {
	if x.bound {
		return append([]byte(x.header), x.endPoint...)
	}
	return []byte(x.header)
}

// answerFirst reads the client's first message and returns the server's.
// https://www.rfc-editor.org/rfc/rfc5802#section-7
func (x *scramExchange) answerFirst(message string) (string, error) {
	flag, rest, ok := strings.Cut(message, ",")
	authzid, bare, ok2 := strings.Cut(rest, ",")
	if !ok || !ok2 || !x.takes(flag) || authzid != "" {
		return "", errExchange
	}
	x.header = flag + ",,"
	attributes := strings.Split(bare, ",")
	const needed = 2
	if len(attributes) < needed || !strings.HasPrefix(attributes[0], "n=") {
		return "", errExchange
	}
	clientNonce, ok := strings.CutPrefix(attributes[1], "r=")
	if !ok || clientNonce == "" {
		return "", errExchange
	}
	var random [nonceBytes]byte
	if _, err := rand.Read(random[:]); err != nil {
		return "", err
	}
	x.nonce = clientNonce + base64.StdEncoding.EncodeToString(random[:])
	reply := "r=" + x.nonce + ",s=" + base64.StdEncoding.EncodeToString(x.Salt) + ",i=" + strconv.Itoa(scram.Iterations)
	x.first = bare + "," + reply
	return reply, nil
}

// answerFinal checks the client's last message. ok is true if the password is right; the reply
// proves to the client that the server has the verifier.
func (x *scramExchange) answerFinal(message string) (reply string, ok bool, err error) {
	at := strings.LastIndex(message, ",p=")
	if at < 0 {
		return "", false, errExchange
	}
	withoutProof := message[:at]
	proof, err := base64.StdEncoding.DecodeString(message[at+len(",p="):])
	if err != nil || len(proof) != sha256.Size {
		return "", false, errExchange
	}
	attributes := strings.Split(withoutProof, ",")
	binding := "c=" + base64.StdEncoding.EncodeToString(x.bindingInput())
	const needed = 2
	if len(attributes) < needed || attributes[0] != binding || attributes[1] != "r="+x.nonce {
		return "", false, errExchange
	}
	all := x.first + "," + withoutProof
	key := make([]byte, sha256.Size)
	subtle.XORBytes(key, proof, scram.MAC(x.StoredKey, all))
	stored := sha256.Sum256(key)
	right := subtle.ConstantTimeCompare(stored[:], x.StoredKey) == 1
	return "v=" + base64.StdEncoding.EncodeToString(scram.MAC(x.ServerKey, all)), right && !x.empty, nil
}
