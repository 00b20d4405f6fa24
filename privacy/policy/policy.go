package policy

import (
	"cmp"
	"time"

	"github.com/heliograph-net/heliograph/report"
)

// MaxSize is the longest signed policy in bytes.
const MaxSize = 64 << 10

// Limits of a policy's lists.
const (
	MaxCollectors = 16 // collectors in a policy
	MaxAddresses  = 8  // fallback addresses of a collector
	MaxPins       = 8  // pins of a collector
	MaxSigners    = 8  // keys that may sign the next policy

	MaxRelayURL      = 512  // bytes of a relay's URL
	MaxObliviousKeys = 4096 // bytes of a collector's key configurations
)

// What Sign writes for a field that is zero.
const (
	DefaultSuccessPPM       = 50_000
	DefaultWindowMS         = 60_000
	DefaultSamplesPerWindow = 5
	DefaultRefreshSeconds   = 3600
	DefaultBytesPerDay      = 10 << 20
)

// Policy is what an operator tells every agent: where to deliver, to which key to seal, how much to
// send. It can lower what a user allowed and never raise it. The zero value of a number means its
// default until Sign writes that in; a policy from Open has none left. A Policy is plain data: once
// shared it must not be changed.
type Policy struct {
	// from 1, rises with every change; a lower one than the one held is a rollback, see Next
	Version uint64
	Issued  int64 // Unix seconds, > 0
	Expires int64 // Unix seconds, after Issued; from then on see Effective

	Disabled bool // kill switch: agents stop recording
	// lowers what the user allowed; the zero value, Off, stops recording like Disabled
	MaxConsent report.Consent

	// probability of sending a window without a failure, parts per million, 1 to 1,000,000; 0:
	// DefaultSuccessPPM
	SuccessPPM uint32
	WindowMS   uint64 // length of a window in ms, 100 to 3,600,000; 0: DefaultWindowMS
	// at most this many samples per window, 1 to 100; 0: DefaultSamplesPerWindow
	SamplesPerWindow uint32
	// how often agents ask for a newer policy, 1 to 604,800; 0: DefaultRefreshSeconds
	RefreshSeconds uint64
	BytesPerDay    uint64 // upload cap per process and day, up to 2^40; 0: DefaultBytesPerDay

	SealKey    []byte      // the detector's public key, seal.KeySize bytes, see seal.ParseKey
	Collectors []Collector // 1 to MaxCollectors, in any order
	// Ed25519 public keys that may sign the next policy, 1 to MaxSigners; leave the old one in
	// while rotating
	Signers [][]byte
}

// Collector is where to deliver, and how to know that it was delivered.
type Collector struct {
	ID string // unique in the policy: 1 to 64 bytes of [a-z0-9_-.]
	// origin, as scrub.Target writes it: "https://collector.example"; http only to a loopback host
	URL      string
	Priority uint32 // the lowest is tried first, up to 65,535
	// share among collectors of one priority, up to 65,535; 0: only when no other of that
	// priority has any
	Weight uint32
	// "ip:port" to connect to when the host's name does not resolve, at most MaxAddresses; with a
	// Relay, the relay's
	Addresses []string
	// SHA-256 of acceptable SubjectPublicKeyInfos, at most MaxPins; none: the Web PKI decides
	// alone; with a Relay, the relay's
	Pins       [][]byte
	ReceiptKey []byte // Ed25519 public key of its receipts, see receipt.Verify

	// Relay is the URL of the Oblivious HTTP relay (RFC 9458) through which this collector is
	// reached, and never otherwise, because a direct connection would disclose the client's
	// address. "": there is none, agents connect to URL.
	Relay string
	// ObliviousKeys are the collector's key configurations (application/ohttp-keys, see package
	// ohttp), at most MaxObliviousKeys bytes; with a Relay, and only then.
	ObliviousKeys []byte
}

// Expired reports whether the policy's time is over. It then still names collectors to deliver to;
// for recording see Effective.
func (p *Policy) Expired(now time.Time) bool { return now.Unix() >= p.Expires }

// Effective is the consent under which an agent may record: what the user allowed, lowered to
// MaxConsent; Off when the policy is disabled; and no more than Counts once it has expired, because
// then nobody answers for it any longer.
func (p *Policy) Effective(user report.Consent, now time.Time) report.Consent {
	switch {
	case p.Disabled:
		return report.Off
	case p.Expired(now):
		return min(user, p.MaxConsent, report.Counts)
	default:
		return min(user, p.MaxConsent)
	}
}

// withDefaults returns a copy in which no number is left to a default.
func (p *Policy) withDefaults() *Policy {
	c := *p
	c.SuccessPPM = cmp.Or(c.SuccessPPM, DefaultSuccessPPM)
	c.WindowMS = cmp.Or(c.WindowMS, DefaultWindowMS)
	c.SamplesPerWindow = cmp.Or(c.SamplesPerWindow, DefaultSamplesPerWindow)
	c.RefreshSeconds = cmp.Or(c.RefreshSeconds, DefaultRefreshSeconds)
	c.BytesPerDay = cmp.Or(c.BytesPerDay, DefaultBytesPerDay)
	return &c
}
