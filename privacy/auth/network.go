package auth

import (
	"strconv"
	"strings"

	"github.com/heliograph-net/heliograph/privacy"
	"github.com/heliograph-net/heliograph/privacy/internal/wire"
)

// Network is all that a relay may disclose about a client: the network and country of its address.
type Network struct {
	ASN     uint32 // autonomous system; 0 if unknown
	Country string // ISO 3166-1 alpha-2; "ZZ" if unknown
}

// String returns the network in the form "AS64501, DE".
func (n Network) String() string {
	return "AS" + strconv.FormatUint(uint64(n.ASN), 10) + ", " + n.Country
}

// ParseNetwork is the inverse of [Network.String]. It accepts nothing else, so a relay cannot pass
// on anything else in its place.
func ParseNetwork(s string) (Network, error) {
	number, country, _ := strings.Cut(strings.TrimPrefix(s, "AS"), ", ")
	asn, err := strconv.ParseUint(number, 10, 32)
	n := Network{ASN: uint32(asn), Country: country}
	if err != nil || len(country) != 2 || country[0] < 'A' || country[0] > 'Z' || country[1] < 'A' || country[1] > 'Z' || n.String() != s {
		return Network{}, wire.Because(privacy.ErrMalformed, "network is not such as AS64501, DE")
	}
	return n, nil
}
