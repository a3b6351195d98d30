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

// errExchange is a client that doesn't speak SCRAM as its RFC says. A wrong
// password is none.
var errExchange = errors.New("malformed SCRAM message")

// roleVerifier is what SCRAM needs to know of a password. It is made when the
// server starts and never stored.
type roleVerifier struct {
	*scram.Verifier
	// empty says that there is no password: nothing is right then.
	empty bool
}

// newVerifier makes the verifier of a password.
func newVerifier(password string) (*roleVerifier, error) {
	v, err := scram.New(password)
	return &roleVerifier{Verifier: v, empty: password == ""}, err
}

// scramExchange is one SCRAM conversation, of two messages from each side.
type scramExchange struct {
	*roleVerifier
	// endPoint is what the client signs where channel binding is offered, nil where it is not; bound says
	// that the client has chosen it.
	endPoint []byte
	bound    bool
	// header is the client's GS2 header: "n,,", "y,," or bindingFlag with two commas.
	header string
	// nonce is the client's nonce and ours.
	nonce string
	// first holds the first message of the client, without the header, and
	// the server's.
	first string
}

// mechanisms are those that are offered, the stronger one first.
func (x *scramExchange) mechanisms() []string {
	if x.endPoint == nil {
		return []string{scramMechanism}
	}
	return []string{mechanismPlus, scramMechanism}
}

// choose takes the client's choice, and reports whether it is one of those that were offered.
func (x *scramExchange) choose(chosen string) bool {
	x.bound = chosen == mechanismPlus
	return slices.Contains(x.mechanisms(), chosen)
}

// takes reports whether the client may begin so. "n" is a client without channel binding. "y" is one that
// has it and believes that we have not: where it was offered, somebody in between has taken the offer away.
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

// bindingInput is what the client's last message repeats: the header, and what it signs.
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

// answerFinal reads the client's last message. ok says that the password is right;
// the server's last message proves to the client that it knows the password
// too.
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
