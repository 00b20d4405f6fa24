package policy

import (
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"net/netip"
	"strconv"
	"strings"

	"github.com/heliograph-net/heliograph/internal/netaddr"
	"github.com/heliograph-net/heliograph/internal/protocol"
	"github.com/heliograph-net/heliograph/privacy/internal/wire"
	"github.com/heliograph-net/heliograph/privacy/scrub"
	"github.com/heliograph-net/heliograph/privacy/seal"
	"github.com/heliograph-net/heliograph/report"
)

// Ranges of a policy's numbers.
const (
	minWindowMS       = 100
	maxWindowMS       = 60 * 60 * 1000
	maxSamples        = 100
	maxRefreshSeconds = 7 * 24 * 60 * 60
	maxBytesPerDay    = 1 << 40
	maxPriority       = 1<<16 - 1    // priority and weight, as in DNS SRV (RFC 2782)
	maxUnixSeconds    = 253402300799 // the last second of the year 9999
	maxCollectorID    = 64
	maxAddress        = 64 // bytes of an ip:port
)

// Validate returns all faults of p, joined, or nil. Each names its key, such as
// "collectors[0].url". Numbers may be zero, which means their defaults.
func (p *Policy) Validate() error {
	var f faults
	f.check(p.Version > 0, "version", "must be 1 or more")
	f.check(p.Issued > 0 && p.Issued <= maxUnixSeconds, "issued", "must be a time after 1970 in Unix seconds")
	f.check(p.Expires > p.Issued && p.Expires <= maxUnixSeconds, "expires", "must be a time after issued in Unix seconds")
	f.check(p.MaxConsent <= report.Diagnostics, "max_consent", "must be off, counts or diagnostics")

	q := p.withDefaults()
	f.inRange(uint64(q.SuccessPPM), 1, report.FullPPM, "success_ppm")
	f.inRange(q.WindowMS, minWindowMS, maxWindowMS, "window_ms")
	if q.EarlyMS != NeverEarly {
		f.inRange(q.EarlyMS, minWindowMS, maxWindowMS, "early_ms")
	}
	f.inRange(uint64(q.SamplesPerWindow), 1, maxSamples, "samples_per_window")
	f.inRange(q.RefreshSeconds, 1, maxRefreshSeconds, "refresh_seconds")
	f.inRange(q.BytesPerDay, 1, maxBytesPerDay, "bytes_per_day")

	if _, err := seal.ParseKey(p.SealKey); err != nil {
		f.add("seal_key", err.Error())
	}
	f.inRange(uint64(len(p.Collectors)), 1, MaxCollectors, "collectors")
	seen := make(map[string]bool, MaxCollectors)
	for i := range p.Collectors[:min(len(p.Collectors), MaxCollectors)] {
		c := &p.Collectors[i]
		c.validate(&f, "collectors["+strconv.Itoa(i)+"].")
		f.check(!seen[c.ID], "collectors["+strconv.Itoa(i)+"].id", "is used twice")
		seen[c.ID] = true
	}
	f.inRange(uint64(len(p.Signers)), 1, MaxSigners, "signers")
	f.keys(p.Signers, MaxSigners, ed25519.PublicKeySize, "signers")
	return f.err()
}

func (c *Collector) validate(f *faults, at string) {
	f.check(wire.ValidName(c.ID, maxCollectorID), at+"id", "must be 1 to 64 of the characters a-z 0-9 _ - .")
	c.validateURL(f, at+"url")
	f.inRange(uint64(c.Priority), 0, maxPriority, at+"priority")
	f.inRange(uint64(c.Weight), 0, maxPriority, at+"weight")
	f.inRange(uint64(len(c.Addresses)), 0, MaxAddresses, at+"addresses")
	for i, s := range c.Addresses[:min(len(c.Addresses), MaxAddresses)] {
		a, err := netip.ParseAddrPort(s)
		ok := err == nil && a.Port() != 0 && a.Addr().Zone() == "" && !a.Addr().IsUnspecified() && a.String() == s
		f.check(ok, at+"addresses["+strconv.Itoa(i)+"]", "must be ip:port, such as 192.0.2.1:443 or [2001:db8::1]:443")
	}
	f.inRange(uint64(len(c.Pins)), 0, MaxPins, at+"pins")
	f.keys(c.Pins, MaxPins, sha256.Size, at+"pins")
	f.check(len(c.ReceiptKey) == ed25519.PublicKeySize, at+"receipt_key", "must have 32 bytes")
	c.validateRelay(f, at)
}

// validateRelay checks the fields about Oblivious HTTP. The users of the keys check the keys
// themselves, so that programs without Oblivious HTTP need not link package ohttp.
func (c *Collector) validateRelay(f *faults, at string) {
	if c.Relay == "" {
		f.check(len(c.ObliviousKeys) == 0, at+"oblivious_keys", "are of no use without a relay")
		return
	}
	f.inRange(uint64(len(c.Relay)), 1, MaxRelayURL, at+"relay")
	scheme, rest, _ := strings.Cut(c.Relay, "://")
	host, path, _ := strings.Cut(rest, "/")
	if origin := scheme + "://" + host; (scheme != "https" && scheme != "http") || scrub.Target(scheme, host) != origin || !validPath("/"+path) {
		f.add(at+"relay", "must be a URL without user, query, fragment or default port, its host in lower case, such as https://relay.example"+protocol.PathOblivious)
	} else {
		f.check(scheme == "https" || netaddr.LoopbackHost(host), at+"relay", "must be https, unless the host is a loopback address")
		f.check(origin != c.URL, at+"relay", "is the collector itself: a relay that somebody else runs is what keeps addresses from it")
	}
	f.inRange(uint64(len(c.ObliviousKeys)), 1, MaxObliviousKeys, at+"oblivious_keys")
	for list := c.ObliviousKeys; len(list) > 0; {
		n := 2
		if len(list) >= n {
			n += int(list[0])<<8 | int(list[1])
		}
		if len(list) < n || n == 2 {
			f.add(at+"oblivious_keys", "must be key configurations, each after its length in 2 bytes")
			break
		}
		list = list[n:]
	}
}

// validPath reports whether s is the path of a URL (RFC 3986, section 3.3) that needs no escapes.
func validPath(s string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case c|0x20 >= 'a' && c|0x20 <= 'z', c >= '0' && c <= '9', strings.IndexByte("-._~/", c) >= 0:
		default:
			return false
		}
	}
	return !strings.Contains(s, "//") && !strings.Contains(s, "/.")
}

func (c *Collector) validateURL(f *faults, at string) {
	scheme, host, _ := strings.Cut(c.URL, "://")
	if (scheme != "https" && scheme != "http") || scrub.Target(scheme, host) != c.URL {
		f.add(at, "must be an origin in lower case without path, user or default port, such as https://collector.example")
		return
	}
	f.check(scheme == "https" || netaddr.LoopbackHost(host), at, "must be https, unless the host is a loopback address")
}

// faults collects the faults of a policy.
type faults []error

func (f *faults) add(key, what string) { *f = append(*f, errors.New(key+": "+what)) }

func (f *faults) check(ok bool, key, what string) {
	if !ok {
		f.add(key, what)
	}
}

func (f *faults) inRange(v, low, high uint64, key string) {
	if v < low || v > high {
		f.add(key, "must be "+strconv.FormatUint(low, 10)+" to "+strconv.FormatUint(high, 10)+", is "+strconv.FormatUint(v, 10))
	}
}

// keys checks that each of the first max entries of a list has size bytes and that there are no
// duplicates.
func (f *faults) keys(list [][]byte, max, size int, key string) {
	seen := make(map[string]bool, max)
	for i, k := range list[:min(len(list), max)] {
		at := key + "[" + strconv.Itoa(i) + "]"
		f.check(len(k) == size, at, "must have "+strconv.Itoa(size)+" bytes")
		f.check(!seen[string(k)], at, "is there twice")
		seen[string(k)] = true
	}
}

func (f *faults) err() error { return errors.Join(*f...) }
