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

// Settings are the options that [Collector.Reload] can change while the collector runs.
type Settings struct {
	// ReceiptKey signs receipts and the key configurations of the Oblivious HTTP gateway. Required.
	// Uploads that are in flight when the key is replaced are signed with the old one.
	ReceiptKey ed25519.PrivateKey
	// Policy is the signed policy for agents. Browser reports are sealed to its SealKey and stored
	// as far as it allows. Empty: GET /v1/policy answers 404, and browser reports are dropped and
	// counted. The collector does not check who signed it; agents do.
	Policy []byte
	// Keys are the seal keys whose segments are accepted: the policy's, and earlier ones as long as
	// old agents may use them. Empty: all keys.
	Keys []seal.KeyID
	// Networks looks up peer addresses. nil: every network is unknown.
	Networks Networks
	// FeedKeys are the Ed25519 public keys of the detectors that may read the feed. Empty: GET
	// /v1/feed always answers 403.
	FeedKeys []ed25519.PublicKey
	// LocalReaders are further readers of the Inbox, such as a detector in this process that does
	// not use the feed. Batches are held until all of them and all detectors of FeedKeys have
	// acknowledged them. See [ReaderName].
	LocalReaders []string
	// ObliviousKeys are the private keys of the Oblivious HTTP gateway, the newest first; see
	// [ohttp.NewGateway]. Empty: there is no gateway, and POST /v1/oblivious answers 404.
	ObliviousKeys []*ohttp.PrivateKey
	// RelayKeys are the Ed25519 public keys of trusted relays. The collector believes what they say
	// about their clients' networks, and does not limit their requests by network. The networks of
	// other relays' clients are unknown.
	RelayKeys []ed25519.PublicKey
	// TrustedProxies are the addresses of proxies in front of the collector. In requests from them,
	// ForwardedHeader names the client. Empty: every peer is a client, and forwarding headers
	// are ignored.
	TrustedProxies []netip.Prefix
	// ForwardedHeader is the header that the proxies set, and that clients cannot set through them:
	// "X-Forwarded-For" or "Forwarded" (RFC 7239). Empty: X-Forwarded-For.
	ForwardedHeader string
	// KeepServerAddress says whether the server_ip of browser reports is stored. It is an address
	// of the service and not of the client.
	KeepServerAddress bool
	// BrowserReports is the handling of browser reports by type. "other" stands for all types that
	// it cannot name; see [CheckHandling]. By default, "network-error" is stored and other types
	// are counted. The caller must not change the map.
	BrowserReports map[string]Handling
	// Sentry is the project whose errors are taken from SDKs of Sentry. They are sealed to the
	// policy's SealKey and stored as far as it allows. Zero: POST /api/PROJECT/envelope/
	// answers 404.
	Sentry SentryProject
}

// settings are parsed [Settings]. They are immutable.
type settings struct {
	Settings
	policy  *policy.Policy // nil if Policy is empty
	sealKey *seal.Key      // the policy's; nil if Policy is empty
	etag    string         // of Policy, quoted
	readers []string       // readers of the inbox, sorted
	gateway *ohttp.Gateway // nil if ObliviousKeys is empty
	places  *daykey.Key    // makes buckets
	// unlisted is the collector's; may be nil
	unlisted *unlisted
}

// live holds the current settings.
type live struct {
	inbox    Inbox
	timeout  time.Duration // for calls of the inbox
	places   daykey.Key    // makes buckets; outlives settings
	unlisted *unlisted
	mu       sync.Mutex // held while settings are applied
	now      atomic.Pointer[settings]
}

// load returns the settings for a request that starts now.
func (l *live) load() *settings { return l.now.Load() }

// apply replaces the settings. On an error, the old settings stay.
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

// ReaderName returns the name that the detector with a feed key has as a reader of the [Inbox].
func ReaderName(key ed25519.PublicKey) string { return hex.EncodeToString(key) }

// setReaders sets the readers of the inbox if they have changed.
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
	if err := s.Sentry.Check(); err != nil {
		faults = append(faults, fmt.Errorf("collector: Sentry: %w", err))
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	return ready, nil
}

// readPolicy parses the policy. It does not check who signed it, because the policy comes from
// the operator.
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

// takes reports whether segments sealed to key are accepted.
func (s *settings) takes(key seal.KeyID) bool {
	return len(s.Keys) == 0 || slices.Contains(s.Keys, key)
}

const unknownCountry = "ZZ"

// network returns what is stored about an address. It checks what Networks returns, because an
// invalid country would make batches unreadable.
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
