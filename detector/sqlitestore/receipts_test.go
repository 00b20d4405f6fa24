package sqlitestore

import (
	"encoding/binary"
	"path/filepath"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/detector"
)

// A network that claims much displaces neither the claims of others nor those about other
// collectors.
func TestClaimsAreSharedByNetwork(t *testing.T) {
	defer func(old int) { maxClaims = old }(maxClaims)
	maxClaims = 200
	events, s, err := Open(t.Context(), filepath.Join(t.TempDir(), "store.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer events.Close()
	defer s.Close()
	n := uint64(0)
	put := func(collector string, asn uint32, many int) {
		page := &detector.FeedPage{Feed: "c1"}
		for range many {
			n++
			c := detector.Claim{Collector: collector, ASN: asn, Told: time.UnixMilli(int64(n))}
			binary.BigEndian.PutUint64(c.Name[8:], n)
			page.Claims = append(page.Claims, c)
		}
		if err := s.SaveCursor(t.Context(), page); err != nil {
			t.Fatal(err)
		}
	}
	put("c1", 64501, 40)
	put("c2", 64666, 50)
	for range 30 {
		put("c1", 64666, 64)
	}
	put("c1", 64502, 40)
	type of struct {
		collector string
		asn       uint32
	}
	by := map[of]int{}
	all, err := s.Claims(t.Context())
	for _, c := range all {
		by[of{c.Collector, c.ASN}]++
	}
	if err != nil || by[of{"c1", 64501}] != 40 || by[of{"c1", 64502}] != 40 || by[of{"c1", 64666}] != 120 || by[of{"c2", 64666}] != 50 {
		t.Errorf("claims by collector and network: %v, %v", by, err)
	}
}
