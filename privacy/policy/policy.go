package policy

import (
	"cmp"
	"math"
	"time"

	"github.com/heliograph-net/heliograph/report"
)

// MaxSize is the greatest length of a signed policy in bytes.
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

// Defaults, which [Sign] writes for fields that are zero.
const (
	DefaultSuccessPPM       = 50_000
	DefaultWindowMS         = 60_000
	DefaultSamplesPerWindow = 5
	DefaultRefreshSeconds   = 3600
	DefaultBytesPerDay      = 10 << 20
	DefaultEarlyMS          = 8000
)

// NeverEarly as a policy's EarlyMS has every window end with its length.
const NeverEarly = math.MaxUint64

// Policy is what an operator tells every agent: where to deliver, which key to seal to, and how
// much to send. It can lower what a user allowed and never raise it. Numbers that are zero mean
// their defaults; [Sign] fills these in, so a policy from [Open] has them. A Policy is plain data
// and must not be changed once it is shared.
type Policy struct {
	// from 1; must increase with every change, because agents refuse lower versions, see Next
	Version uint64
	Issued  int64 // Unix seconds, above 0
	Expires int64 // Unix seconds, after Issued; see Effective for what happens then

	Disabled bool // kill switch: agents stop recording
	// limits the consent of the user; the zero value, Off, stops recording like Disabled
	MaxConsent report.Consent

	// probability of sending a window without failures, in parts per million, 1 to 1,000,000; 0
	// means DefaultSuccessPPM
	SuccessPPM uint32
	WindowMS   uint64 // length of a window in ms, 100 to 3,600,000; 0 means DefaultWindowMS
	// A window with the first failure after calm ends at most so many ms after that failure, and at
	// least a quarter of it, if it does not end before: 100 to 3,600,000. 0 means DefaultEarlyMS,
	// NeverEarly turns it off. Agents of release 0.1.0 refuse a policy with any other value than
	// the default.
	EarlyMS uint64
	// ShortLived has every window sent that ends with its process, or with a Flush, before any
	// other window of that process. So tools that run for less than a window are seen when they
	// succeed, too, and not only when they fail. Agents of release 0.1.0 refuse a policy
	// that sets it.
	ShortLived bool
	// most samples per window, 1 to 100; 0 means DefaultSamplesPerWindow
	SamplesPerWindow uint32
	// time between an agent's requests for a newer policy, 1 to 604,800; 0 means
	// DefaultRefreshSeconds
	RefreshSeconds uint64
	// most bytes that a process uploads per day, up to 2^40; 0 means DefaultBytesPerDay
	BytesPerDay uint64

	SealKey    []byte      // the detector's public key, seal.KeySize bytes; see seal.ParseKey
	Collectors []Collector // 1 to MaxCollectors, in any order
	// Ed25519 public keys that may sign the next policy, 1 to MaxSigners; keep the old key here
	// while rotating
	Signers [][]byte

	// the encoding that the policy was read from, if it has optional fields that this release does
	// not know; otherwise nil
	foreign []byte
}

// Collector describes how to deliver to a collector and how to verify its receipts.
type Collector struct {
	ID string // unique in the policy: 1 to 64 bytes of [a-z0-9_-.]
	// origin in the form that scrub.Target returns, such as "https://collector.example"; http is
	// allowed only for loopback hosts
	URL      string
	Priority uint32 // collectors with the lowest are tried first; up to 65,535
	// share among collectors of one priority, up to 65,535; those with 0 are tried after the others
	// of that priority
	Weight uint32
	// "ip:port" to connect to if the host's name does not resolve, at most MaxAddresses; with a
	// Relay, those of the relay
	Addresses []string
	// SHA-256 of acceptable SubjectPublicKeyInfos, at most MaxPins; if empty, only the Web PKI
	// decides; with a Relay, those of the relay
	Pins       [][]byte
	ReceiptKey []byte // Ed25519 public key of its receipts; see receipt.Verify

	// Relay is the URL of an Oblivious HTTP relay (RFC 9458). If set, agents reach this collector
	// only through the relay, because a direct connection would disclose the client's address. If
	// empty, agents connect to URL.
	Relay string
	// ObliviousKeys are the collector's key configurations (application/ohttp-keys, see package
	// ohttp), at most MaxObliviousKeys bytes. They are required with a Relay and refused
	// without one.
	ObliviousKeys []byte
}

// Expired reports whether the policy has expired. An expired policy still says where to deliver.
// What may be recorded is up to [Policy.Effective].
func (p *Policy) Expired(now time.Time) bool { return now.Unix() >= p.Expires }

// Effective returns the consent under which an agent may record. It is that of the user, but at
// most p.MaxConsent, at most [report.Counts] once the policy has expired, and [report.Off] if the
// policy is disabled.
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

// withDefaults returns a copy of p with its defaults filled in.
func (p *Policy) withDefaults() *Policy {
	c := *p
	c.SuccessPPM = cmp.Or(c.SuccessPPM, DefaultSuccessPPM)
	c.WindowMS = cmp.Or(c.WindowMS, DefaultWindowMS)
	c.SamplesPerWindow = cmp.Or(c.SamplesPerWindow, DefaultSamplesPerWindow)
	c.RefreshSeconds = cmp.Or(c.RefreshSeconds, DefaultRefreshSeconds)
	c.BytesPerDay = cmp.Or(c.BytesPerDay, DefaultBytesPerDay)
	c.EarlyMS = cmp.Or(c.EarlyMS, DefaultEarlyMS)
	return &c
}
