// Package nettable looks up the autonomous system and the country of an IP address, in a table in
// the format of iptoasn.com or in a MaxMind database.
//
// Start with [Open] and [Live.Lookup], or with [Load] for a single table. A [Table] takes 12 bytes
// for each IPv4 range and 36 for each IPv6 range. It looks up addresses by binary search,
// without allocating.
package nettable

import (
	"cmp"
	"encoding/binary"
	"net/netip"
	"slices"
)

// unknownCountry is the country of an address that is in no range, or whose range has no country.
const unknownCountry = "ZZ"

// Table is a loaded table. It is immutable and safe for concurrent use. A nil *Table is empty.
type Table struct {
	v4       []range4          // sorted by start, disjoint
	v6       []range6          // sorted by start, disjoint
	networks []network         // each pair of system and country once; ranges refer to it by index
	names    map[uint32]string // autonomous system -> name
}

// network is what the addresses of a range share.
type network struct {
	asn     uint32
	country string
}

type range4 struct {
	start, end uint32 // both within
	network    uint32
}

type range6 struct {
	start, end [16]byte // both within
	network    uint32
}

// Lookup returns the autonomous system of an address (0 if unknown or not routed) and its country
// (ISO 3166-1 alpha-2, "ZZ" if unknown). It looks up IPv4-mapped IPv6 addresses as IPv4 and ignores
// zones. The zero Addr is unknown.
func (t *Table) Lookup(addr netip.Addr) (asn uint32, country string) {
	if t == nil || !addr.IsValid() {
		return 0, unknownCountry
	}
	var n uint32
	var found bool
	if addr = addr.Unmap(); addr.Is4() {
		n, found = find4(t.v4, number4(addr))
	} else {
		n, found = find6(t.v6, addr.As16())
	}
	if !found {
		return 0, unknownCountry
	}
	return t.networks[n].asn, t.networks[n].country
}

// Name returns the first name in the table of an autonomous system, or "" if there is none.
func (t *Table) Name(asn uint32) string {
	if t == nil {
		return ""
	}
	return t.names[asn]
}

// Len returns the number of ranges.
func (t *Table) Len() int {
	if t == nil {
		return 0
	}
	return len(t.v4) + len(t.v6)
}

func find4(ranges []range4, addr uint32) (uint32, bool) {
	i, exact := slices.BinarySearchFunc(ranges, addr, func(r range4, a uint32) int { return cmp.Compare(r.start, a) })
	if !exact {
		i-- // the last range that starts before addr
	}
	if i < 0 || addr > ranges[i].end {
		return 0, false
	}
	return ranges[i].network, true
}

func find6(ranges []range6, addr [16]byte) (uint32, bool) {
	i, exact := slices.BinarySearchFunc(ranges, addr, func(r range6, a [16]byte) int { return compare16(&r.start, &a) })
	if !exact {
		i--
	}
	if i < 0 || compare16(&addr, &ranges[i].end) > 0 {
		return 0, false
	}
	return ranges[i].network, true
}

func number4(addr netip.Addr) uint32 {
	b := addr.As4()
	return binary.BigEndian.Uint32(b[:])
}

// compare16 compares as big-endian numbers.
func compare16(a, b *[16]byte) int {
	if c := cmp.Compare(binary.BigEndian.Uint64(a[:8]), binary.BigEndian.Uint64(b[:8])); c != 0 {
		return c
	}
	return cmp.Compare(binary.BigEndian.Uint64(a[8:]), binary.BigEndian.Uint64(b[8:]))
}
