package detector

import (
	"context"
	"crypto/ed25519"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/heliograph-net/heliograph/internal/netaddr"
	"github.com/heliograph-net/heliograph/internal/protocol"
	"github.com/heliograph-net/heliograph/internal/protocol/feed"
	"github.com/heliograph-net/heliograph/privacy/auth"
	"github.com/heliograph-net/heliograph/report"
)

const (
	feedWait     = 20 * time.Second
	feedTransfer = time.Minute // time limit of an exchange, apart from Wait
	// bytes of one answer that are read; the rest comes with the next one
	maxFeedBytes = 32 << 20
	maxFeedError = 200 // bytes of an error's text
)

// FeedOptions configures a [RemoteFeed].
type FeedOptions struct {
	// required; the collector's id in the policy, which is signed with every request
	Collector string
	// the collector's origin, "https://c1.example.net"; http:// only for loopback hosts
	URL string
	Key ed25519.PrivateKey // required; the collector must know its public key
	// authorities for the collector's certificate; nil means the system's
	RootCAs *x509.CertPool
	// how long the collector may wait for batches before it answers, at most 30 s. 0 means 20 s
	Wait time.Duration
}

func (o *FeedOptions) validate() error {
	def(&o.Wait, feedWait)
	var faults []error
	if o.Collector == "" || len(o.Collector) > report.MaxString {
		faults = append(faults, fmt.Errorf("Collector must be the collector's id, 1 to %d bytes", report.MaxString))
	}
	u, err := url.Parse(o.URL)
	switch {
	case err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.User != nil:
		faults = append(faults, fmt.Errorf("URL must be an origin such as https://c1.example.net, is %q", o.URL))
	case u.Scheme == "http" && !netaddr.LoopbackHost(u.Hostname()):
		faults = append(faults, fmt.Errorf("URL must be https, unless the host is a loopback address, is %q", o.URL))
	}
	if len(o.Key) != ed25519.PrivateKeySize {
		faults = append(faults, fmt.Errorf("Key must be an Ed25519 private key of %d bytes, has %d", ed25519.PrivateKeySize, len(o.Key)))
	}
	if o.Wait < 0 || o.Wait > feed.MaxWait {
		faults = append(faults, fmt.Errorf("Wait must be 0 to 30 s, is %v", o.Wait))
	}
	return errors.Join(faults...)
}

// RemoteFeed is a [Feed] that reads a remote collector's feed by long polling. Make one with
// [NewRemoteFeed]. An acknowledgement is sent with the next Read, so the collector keeps batches a
// moment longer than necessary. If either side stops in between, batches that come twice are
// recognised by their ids.
type RemoteFeed struct {
	o      FeedOptions
	client *http.Client

	// the following fields belong to the goroutine that calls Read

	drained bool          // an answer has been empty
	inbox   string        // what the collector called its inbox in its last answer
	skew    time.Duration // of the collector's clock, as of its last answer
	timed   bool          // skew is known
}

// NewRemoteFeed returns a RemoteFeed, or an error that names every invalid option. It does not
// connect.
func NewRemoteFeed(o FeedOptions) (*RemoteFeed, error) {
	if err := o.validate(); err != nil {
		return nil, fmt.Errorf("feed: %w", err)
	}
	o.URL = strings.TrimRight(o.URL, "/")
	return &RemoteFeed{o: o, client: &http.Client{
		Transport: &http.Transport{
			DialContext:            (&net.Dialer{Timeout: 10 * time.Second}).DialContext,
			TLSClientConfig:        &tls.Config{RootCAs: o.RootCAs, MinVersion: tls.VersionTLS12},
			TLSHandshakeTimeout:    10 * time.Second,
			ResponseHeaderTimeout:  o.Wait + 15*time.Second,
			IdleConnTimeout:        90 * time.Second,
			MaxResponseHeaderBytes: 64 << 10,
			DisableCompression:     true,
			ForceAttemptHTTP2:      true,
		},
		// A redirected request would not be the one that was signed.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// Read implements [Feed]. After an empty answer, it waits for batches as long as the options allow.
func (f *RemoteFeed) Read(ctx context.Context, after uint64, limit int) ([]report.Envelope, error) {
	ctx, cancel := context.WithTimeout(ctx, f.o.Wait+feedTransfer)
	defer cancel()
	wait := f.o.Wait
	// a Detector begins to judge once no old batch is left, so the first empty answer must come at
	// once
	if !f.drained {
		wait = 0
	}
	uri := protocol.PathFeed + "?" + feed.Query{After: after, Limit: limit, Wait: wait}.String()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, f.o.URL+uri, nil)
	if err != nil {
		return nil, fmt.Errorf("asking the feed: %w", err)
	}
	r.Header.Set("Authorization", auth.SignFeed(f.o.Key, f.o.Collector, http.MethodGet, uri, f.collectorTime()))
	if f.inbox != "" {
		r.Header.Set(protocol.HeaderInbox, f.inbox)
	}
	r.Header.Set("Accept", feed.Accept)
	answer, err := f.client.Do(r)
	if err != nil {
		if e, ok := errors.AsType[*url.Error](err); ok { // without the address
			err = e.Err
		}
		return nil, fmt.Errorf("asking the feed: %w", err)
	}
	defer answer.Body.Close()
	f.noteClock(answer, time.Now())
	if err := checkFeedAnswer(answer); err != nil {
		return nil, fmt.Errorf("asking the feed: %w", err)
	}
	envelopes, err := feed.Read(answer.Body, limit, maxFeedBytes)
	if err != nil {
		return nil, fmt.Errorf("reading the feed: %w", err)
	}
	f.inbox = answer.Header.Get(protocol.HeaderInbox)
	f.drained = f.drained || len(envelopes) == 0
	return envelopes, nil
}

// noteClock compares the collector's clock with this machine's. The answer has whole seconds (RFC
// 9110, section 6.6.1).
func (f *RemoteFeed) noteClock(answer *http.Response, now time.Time) {
	date, err := http.ParseTime(answer.Header.Get("Date"))
	if f.timed = err == nil; !f.timed {
		return
	}
	f.skew = date.Add(time.Second / 2).Sub(now.Round(0))
}

// collectorTime returns the time by the collector's clock if that differs much from this machine's,
// because collectors refuse requests that are signed for another time.
func (f *RemoteFeed) collectorTime() time.Time {
	if f.timed && f.skew.Abs() > skewTolerance {
		return time.Now().Add(f.skew)
	}
	return time.Now()
}

// ClockSkew returns how far the collector's clock is ahead of this machine's, as of its last
// answer, to about a second. A Detector calls it from the goroutine that calls Read.
func (f *RemoteFeed) ClockSkew() (skew time.Duration, known bool) { return f.skew, f.timed }

// SameClock reports whether the collector is on this machine.
func (f *RemoteFeed) SameClock() bool {
	u, err := url.Parse(f.o.URL)
	return err == nil && netaddr.LoopbackHost(u.Host)
}

func checkFeedAnswer(answer *http.Response) error {
	switch {
	case answer.StatusCode == http.StatusConflict:
		return ErrCursor
	case answer.StatusCode == http.StatusUnauthorized || answer.StatusCode == http.StatusForbidden:
		text, _ := io.ReadAll(io.LimitReader(answer.Body, maxFeedError))
		return fmt.Errorf("%w: status %d: %q", ErrRefused, answer.StatusCode, strings.TrimSpace(string(text)))
	case answer.StatusCode != http.StatusOK:
		text, _ := io.ReadAll(io.LimitReader(answer.Body, maxFeedError))
		return fmt.Errorf("status %d: %q", answer.StatusCode, strings.TrimSpace(string(text)))
	case answer.Header.Get("Content-Type") != protocol.MediaTypeFeed:
		return errors.New("what answers is no collector: the content type is another")
	}
	return nil
}

// Collector returns the collector's id. Envelopes of this feed may not name another one.
func (f *RemoteFeed) Collector() string { return f.o.Collector }

// Ack implements [Feed]. The acknowledgement is sent with the next Read.
func (f *RemoteFeed) Ack(context.Context, uint64) error { return nil }

// CloseIdleConnections closes connections that wait for the next Read. A Detector calls it
// when Run ends.
func (f *RemoteFeed) CloseIdleConnections() { f.client.CloseIdleConnections() }
