package auth

import (
	"strconv"
	"strings"

	"github.com/heliograph-net/heliograph/privacy"
	"github.com/heliograph-net/heliograph/privacy/internal/wire"
	"github.com/heliograph-net/heliograph/report"
)

// Network is all that a relay may disclose about a client: the network and country of its address,
// and its bucket.
type Network struct {
	ASN     uint32        // autonomous system; 0 if unknown
	Country string        // ISO 3166-1 alpha-2; "ZZ" if unknown
	Bucket  report.Bucket // under the relay's key; 0 if unknown, or if the collector cannot read it
}

// String returns the network in the form "AS64501, DE", or with a bucket "AS64501, DE, 1234".
// Releases before 0.2 do not read the longer form.
func (n Network) String() string {
	s := "AS" + strconv.FormatUint(uint64(n.ASN), 10) + ", " + n.Country
	if n.Bucket != 0 {
		s += ", " + strconv.FormatUint(uint64(n.Bucket), 10)
	}
	return s
}

// ParseNetwork is the inverse of [Network.String]. It accepts nothing else, so a relay cannot pass
// on anything else in its place.
func ParseNetwork(s string) (Network, error) {
	number, rest, _ := strings.Cut(strings.TrimPrefix(s, "AS"), ", ")
	country, bucket, longer := strings.Cut(rest, ", ")
	asn, err := strconv.ParseUint(number, 10, 32)
	n := Network{ASN: uint32(asn), Country: country}
	if err == nil && longer {
		var b uint64
		b, err = strconv.ParseUint(bucket, 10, 16)
		n.Bucket = report.Bucket(b)
	}
	if err != nil || n.Bucket > report.MaxBucket || len(country) != 2 || country[0] < 'A' || country[0] > 'Z' ||
		country[1] < 'A' || country[1] > 'Z' || n.String() != s {
		return Network{}, wire.Because(privacy.ErrMalformed, "network is not such as AS64501, DE or AS64501, DE, 1234")
	}
	return n, nil
}
