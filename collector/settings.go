package collector

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/heliograph-net/heliograph/internal/daykey"
	"github.com/heliograph-net/heliograph/privacy/ohttp"
	"github.com/heliograph-net/heliograph/privacy/policy"
	"github.com/heliograph-net/heliograph/privacy/seal"
)

// Settings are the part of Options that can change while the collector runs.
type Settings struct {
	// ReceiptKey signs receipts, and the key configurations of the Oblivious HTTP gateway;
	// required. What is in flight when another one takes its place is signed with the one before.
	ReceiptKey ed25519.PrivateKey
	// Policy is the signed policy served to agents. Browser reports are sealed to its SealKey, and
	// kept as far as it allows collection. Without one, GET /v1/policy answers 404, and browser
	// reports are dropped and counted. Who signed it is for agents to judge.
	Policy []byte
	// Keys are the seal keys whose segments are taken: the policy's, and those that it had before
	// as long as old agents may use them. Empty: every key's.
	Keys []seal.KeyID
	// Networks looks up peer addresses. nil: every network is unknown.
	Networks Networks
	// FeedKeys are the Ed25519 public keys of the detectors that may read the feed. Empty: GET
	// /v1/feed answers 403.
	FeedKeys []ed25519.PublicKey
	// LocalReaders are further readers of the Inbox, see ReaderName: a detector in this process
	// that does without the feed. What neither they nor the detectors of FeedKeys have all
	// acknowledged is kept.
	LocalReaders []string
	// ObliviousKeys are the private keys of the Oblivious HTTP gateway, the newest first: see
	// ohttp.NewGateway. Empty: the collector is no gateway, POST /v1/oblivious answers 404.
	ObliviousKeys []*ohttp.PrivateKey
	// RelayKeys are the Ed25519 public keys of the relays whose word on their clients' network is
	// taken, and whose requests have no limits per network. Clients of other relays are of
	// unknown networks.
	RelayKeys []ed25519.PublicKey
	// TrustedProxies are the addresses of proxies in front of the collector. Of what they forward,
	// ForwardedHeader names the client. Empty: every peer is a client, and forwarding headers are
	// not looked at.
	TrustedProxies []netip.Prefix
	// ForwardedHeader is the one header that the proxies write and that they let no client write:
	// "X-Forwarded-For" or "Forwarded" (RFC 7239). Empty means X-Forwarded-For.
	ForwardedHeader string
	// KeepServerAddress keeps the server_ip of browser reports, which is an address of the service,
	// not of the client. false drops it.
	KeepServerAddress bool
	// BrowserReports says by type what becomes of browser reports, "other" standing for the types
	// without a name of their own, see CheckHandling. A type that is not in it: "network-error" is
	// stored, and all others are counted. The caller must not change it.
	BrowserReports map[string]Handling
}

// settings are Settings made ready for use. They do not change.
type settings struct {
	Settings
	policy  *policy.Policy // nil without Policy
	sealKey *seal.Key      // the policy's, nil without
	etag    string         // of Policy, quoted
	readers []string       // of the inbox, sorted
	gateway *ohttp.Gateway // nil without ObliviousKeys
	places  *daykey.Key    // makes buckets
	// unlisted is the collector's; nil: nothing is noticed
	unlisted *unlisted
}

// live is the settings in use.
type live struct {
	inbox    Inbox
	timeout  time.Duration // for the inbox
	places   daykey.Key    // makes buckets; outlives settings
	unlisted *unlisted
	mu       sync.Mutex // held while settings are applied
	now      atomic.Pointer[settings]
}

// load returns the settings for a request that starts now.
func (l *live) load() *settings { return l.now.Load() }

// apply replaces the settings, or leaves those before.
func (l *live) apply(s *settings) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.setReaders(s); err != nil {
		return err
	}
	s.places = &l.places
	s.unlisted = l.unlisted
	l.now.Store(s)
	return nil
}

// ReaderName is what the Inbox calls the detector with a feed key.
func ReaderName(key ed25519.PublicKey) string { return hex.EncodeToString(key) }

// setReaders tells the inbox who reads, when that has changed.
func (l *live) setReaders(s *settings) error {
	s.readers = slices.Clone(s.LocalReaders)
	for _, key := range s.FeedKeys {
		s.readers = append(s.readers, ReaderName(key))
	}
	slices.Sort(s.readers)
	s.readers = slices.Compact(s.readers)
	if old := l.now.Load(); old != nil && slices.Equal(old.readers, s.readers) {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), l.timeout)
	defer cancel()
	if err := l.inbox.SetReaders(ctx, s.readers); err != nil {
		return fmt.Errorf("collector: %w", err)
	}
	return nil
}

func prepare(s Settings) (*settings, error) {
	ready := &settings{Settings: s}
	var faults []error
	if len(s.ReceiptKey) != ed25519.PrivateKeySize {
		faults = append(faults, fmt.Errorf("collector: ReceiptKey must be an Ed25519 private key of %d bytes, has %d",
			ed25519.PrivateKeySize, len(s.ReceiptKey)))
	}
	if len(s.Policy) > 0 {
		faults = append(faults, ready.readPolicy())
	}
	faults = append(faults, ready.readOblivious())
	for i, key := range s.FeedKeys {
		if len(key) != ed25519.PublicKeySize {
			faults = append(faults, fmt.Errorf("collector: FeedKeys[%d] must be an Ed25519 public key of %d bytes, has %d",
				i, ed25519.PublicKeySize, len(key)))
		}
	}
	switch http.CanonicalHeaderKey(s.ForwardedHeader) {
	case "", headerForwardedFor:
		ready.ForwardedHeader = headerForwardedFor
	case headerForwarded:
		ready.ForwardedHeader = headerForwarded
	default:
		faults = append(faults, fmt.Errorf("collector: ForwardedHeader must be %s or %s, is %q", headerForwardedFor, headerForwarded, s.ForwardedHeader))
	}
	if err := CheckHandling(s.BrowserReports); err != nil {
		faults = append(faults, fmt.Errorf("collector: BrowserReports: %w", err))
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	return ready, nil
}

// readPolicy trusts whoever signed the policy: the operator put it here.
func (s *settings) readPolicy() error {
	signer, err := policy.Signer(s.Policy)
	if err == nil {
		s.policy, err = policy.Open(s.Policy, signer)
	}
	if err == nil {
		s.sealKey, err = seal.ParseKey(s.policy.SealKey)
	}
	if err != nil {
		return fmt.Errorf("collector: Policy: %w", err)
	}
	sum := sha256.Sum256(s.Policy)
	s.etag = `"` + hex.EncodeToString(sum[:16]) + `"`
	return nil
}

// takes says whether segments sealed to key are taken.
func (s *settings) takes(key seal.KeyID) bool {
	return len(s.Keys) == 0 || slices.Contains(s.Keys, key)
}

const unknownCountry = "ZZ"

// network is what is kept of an address. What Networks returns is checked, for a bad country would
// spoil the feed.
func (s *settings) network(addr netip.Addr) origin {
	from := origin{country: unknownCountry, bucket: s.places.Bucket(time.Now(), addr)}
	if s.Networks == nil {
		return from
	}
	asn, country := s.Networks.Lookup(addr)
	if len(country) == 2 && country[0] >= 'A' && country[0] <= 'Z' && country[1] >= 'A' && country[1] <= 'Z' {
		from.country = country
	}
	from.asn = asn
	return from
}
