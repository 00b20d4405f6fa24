package privacy

import (
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"strconv"
	"strings"
	"time"
)

// Paths of Oblivious HTTP (RFC 9458), at a collector, which is the gateway, and at a relay.
const (
	PathOblivious     = "/v1/oblivious"      // POST message/ohttp-req
	PathObliviousKeys = "/v1/oblivious/keys" // GET application/ohttp-keys
)

// Sizes of Oblivious HTTP in bytes. Messages are padded before they are sealed, so that a relay cannot tell a small batch from a question
// for the policy.
const (
	ObliviousPadding     = 4096      // messages are padded to multiples of this
	MaxObliviousRequest  = 280 << 10 // of an encapsulated request: a segment, its delivery, padding and seal
	MaxObliviousResponse = 72 << 10  // of an encapsulated response: a policy, padding and seal
)

// Headers of Oblivious HTTP.
const (
	HeaderNetwork     = "Heliograph-Network" // Network.String: what a relay tells of the client
	HeaderGatewayKeys = "Heliograph-Keys"    // SignGatewayKeys, with the list of key configurations
)

// Reasons for which a signed header is refused.
var (
	ErrRelay       = errors.New("request is not signed by a known relay")
	ErrGatewayKeys = errors.New("key configurations are not signed by their collector")
)

// Network is all that a relay may tell of a client: where its address is.
type Network struct {
	ASN     uint32 // autonomous system; 0: unknown
	Country string // ISO 3166-1 alpha-2; "ZZ": unknown
}

// String returns "AS64501, DE".
func (n Network) String() string {
	return "AS" + strconv.FormatUint(uint64(n.ASN), 10) + ", " + n.Country
}

// ParseNetwork is the inverse of String. It takes nothing else, so that nothing else can be passed on in its place.
func ParseNetwork(s string) (Network, error) {
	number, country, _ := strings.Cut(strings.TrimPrefix(s, "AS"), ", ")
	asn, err := strconv.ParseUint(number, 10, 32)
	n := Network{ASN: uint32(asn), Country: country}
	if err != nil || len(country) != 2 || country[0] < 'A' || country[0] > 'Z' || country[1] < 'A' || country[1] > 'Z' || n.String() != s {
		return Network{}, because(ErrMalformed, "network is not such as AS64501, DE")
	}
	return n, nil
}

const (
	relayScheme  = "Heliograph-Relay "
	relayContext = "heliograph relay v1\x00"
	keysContext  = "heliograph gateway keys v1\x00"
)

// SignRelay returns the Authorization header for a request that a relay forwards to the collector with this id, with HeaderNetwork as
// network. body is the encapsulated request, so that what is said of one client is never taken for another's.
func SignRelay(key ed25519.PrivateKey, collector, network string, body []byte, now time.Time) (authorization string) {
	ts, sum := strconv.FormatInt(now.Unix(), 10), sha256.Sum256(body)
	return relayScheme + "ts=" + ts +
		",key=" + authEncoding.EncodeToString(key.Public().(ed25519.PublicKey)) +
		",body=" + authEncoding.EncodeToString(sum[:]) +
		",sig=" + authEncoding.EncodeToString(ed25519.Sign(key, authMessage(relayContext, sum[:], ts, collector, network)))
}

// VerifyRelay returns the SHA-256 of the body for which one of the keys signed the header, at most skew from now in either direction. It
// needs the header alone, so that a gateway knows its relay before it reads the body; it must then compare. Every error wraps ErrRelay.
func VerifyRelay(authorization, collector, network string, now time.Time, skew time.Duration, keys ...ed25519.PublicKey) (
	body [sha256.Size]byte, err error) {
	v, ok := authValues(authorization, relayScheme, "ts", "key", "body", "sig")
	if !ok {
		return body, because(ErrRelay, "malformed authorization header")
	}
	key, ok1 := authBytes(v[1], ed25519.PublicKeySize)
	sum, ok2 := authBytes(v[2], sha256.Size)
	sig, ok3 := authBytes(v[3], ed25519.SignatureSize)
	if !ok1 || !ok2 || !ok3 {
		return body, because(ErrRelay, "malformed authorization header")
	}
	if fault := authTime(v[0], now, skew); fault != "" {
		return body, because(ErrRelay, fault)
	}
	if !containsKey(keys, key) {
		return body, because(ErrRelay, "unknown key")
	}
	if !ed25519.Verify(key, authMessage(relayContext, sum, v[0], collector, network), sig) {
		return body, because(ErrRelay, "signature does not match")
	}
	return [sha256.Size]byte(sum), nil
}

// GatewayKeysValid is for how long a signed list of key configurations is good, before and after its time: clocks may differ.
const GatewayKeysValid = 24 * time.Hour

// SignGatewayKeys returns HeaderGatewayKeys for the key configurations of the collector with this id. The key is that of its receipts: an
// agent that asks for them through a relay takes none that the relay has put in. The time is that of the full hour before now, so that all
// agents get the same within an hour.
func SignGatewayKeys(key ed25519.PrivateKey, collector string, list []byte, now time.Time) string {
	ts := strconv.FormatInt(now.Truncate(time.Hour).Unix(), 10)
	return "ts=" + ts + ",sig=" + authEncoding.EncodeToString(ed25519.Sign(key, authMessage(keysContext, list, ts, collector)))
}

// VerifyGatewayKeys checks that the collector with this id and receipt key offers these key configurations now, give or take
// GatewayKeysValid: a relay cannot bring keys back that were replaced long ago. Every error wraps ErrGatewayKeys.
func VerifyGatewayKeys(header, collector string, list []byte, now time.Time, key ed25519.PublicKey) error {
	v, ok := authValues(header, "", "ts", "sig")
	if !ok {
		return because(ErrGatewayKeys, "malformed header")
	}
	if fault := authTime(v[0], now, GatewayKeysValid); fault != "" {
		return because(ErrGatewayKeys, fault)
	}
	if sig, ok := authBytes(v[1], ed25519.SignatureSize); !ok || len(key) != ed25519.PublicKeySize ||
		!ed25519.Verify(key, authMessage(keysContext, list, v[0], collector), sig) {
		return because(ErrGatewayKeys, "signature does not match")
	}
	return nil
}
