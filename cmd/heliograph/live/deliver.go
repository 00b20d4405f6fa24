package live

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net/http"
	"slices"
	"time"

	"github.com/heliograph-net/heliograph/agent/httpagent"
	"github.com/heliograph-net/heliograph/internal/protocol"
	"github.com/heliograph-net/heliograph/privacy/policy"
	"github.com/heliograph-net/heliograph/privacy/receipt"
	"github.com/heliograph-net/heliograph/report"
)

// The timeouts and waits of deliveries. The waits are those of agents.
const (
	connectTimeout  = 5 * time.Second
	exchangeTimeout = 45 * time.Second
	firstRetry      = time.Second
	longestRetry    = 5 * time.Minute
	idleTimeout     = 30 * time.Second
	maxAnswerHead   = 16 << 10
)

// target is a collector.
type target struct {
	policy.Collector
	client *http.Client
}

func (s *Simulation) newTarget(c *policy.Collector) *target {
	return &target{*c, &http.Client{
		Timeout:       exchangeTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DialContext:            s.o.Dial,
			TLSClientConfig:        &tls.Config{RootCAs: s.o.RootCAs, MinVersion: tls.VersionTLS12},
			MaxConnsPerHost:        s.o.Connections,
			MaxIdleConnsPerHost:    s.o.Connections,
			IdleConnTimeout:        idleTimeout,
			MaxResponseHeaderBytes: maxAnswerHead,
			DisableCompression:     true,
		},
	}}
}

// greet asks the collector for its policy, so that a collector that is not there, or one of another
// operator, is noticed before anything is sent.
func (t *target) greet(ctx context.Context, ours *policy.Policy) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, t.URL+protocol.PathPolicy, nil)
	if err != nil {
		return fmt.Errorf("collector %s: %w", t.ID, err)
	}
	resp, err := t.client.Do(req)
	if err != nil {
		return fmt.Errorf("collector %s does not answer: %w", t.ID, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusNotFound { // it serves no policy
		return nil
	}
	signed, err := io.ReadAll(io.LimitReader(resp.Body, policy.MaxSize+1))
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("collector %s: asked for its policy at %s, it answered %s", t.ID, req.URL, resp.Status)
	}
	if err != nil {
		return fmt.Errorf("collector %s: reading its policy at %s: %w", t.ID, req.URL, err)
	}
	signer, err := policy.Signer(signed)
	if err != nil {
		return fmt.Errorf("collector %s: what it serves at %s is no policy: %w", t.ID, req.URL, err)
	}
	if !slices.ContainsFunc(ours.Signers, func(key []byte) bool { return bytes.Equal(key, signer) }) {
		return fmt.Errorf("collector %s serves the policy of another operator: none of the signers in --policy has signed it", t.ID)
	}
	return nil
}

// answer is what became of an offer.
type answer struct {
	receipt.Statement                // Decision is 0 without a receipt
	outcome           report.Outcome // in the delivery path, if it was not accepted
	err               error
}

var (
	errNoReceipt    = errors.New("the answer is not a receipt by the collector's key")
	errOtherReceipt = errors.New("the receipt is for another upload")
)

// post uploads a batch and verifies the receipt.
func (t *target) post(ctx context.Context, b *batch) (a answer) {
	a.outcome = report.HTTPResponseInvalid
	delivery, err := report.AppendDelivery(nil, report.Delivery{Age: b.age(time.Now()), Path: b.path})
	if err != nil {
		a.err = err
		return a
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, t.URL+protocol.PathBatches, bytes.NewReader(b.segment))
	if err != nil {
		a.err = err
		return a
	}
	req.Header = http.Header{
		"Content-Type":    {protocol.MediaTypeSegment},
		"Accept":          {protocol.MediaTypeReceipt},
		"User-Agent":      {"heliograph/1"},
		"X-Forwarded-For": {b.from},
	}
	req.Header[protocol.HeaderBatch] = []string{b.id.String()}
	req.Header[protocol.HeaderDelivery] = []string{protocol.EncodeDelivery(delivery)}
	resp, err := t.client.Do(req)
	if err != nil {
		a.outcome, a.err = httpagent.Classify(ctx, err), err
		return a
	}
	defer resp.Body.Close()
	if resp.StatusCode >= http.StatusBadRequest {
		a.outcome = report.HTTPError
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, receipt.MaxSize+1))
	if err != nil {
		a.err = err
		return a
	}
	st, err := receipt.Verify(t.ReceiptKey, body)
	switch {
	case err != nil:
		a.err = fmt.Errorf("%w (status %d)", errNoReceipt, resp.StatusCode)
	case st.Batch != b.id, st.Body != sha256.Sum256(b.segment) && st.Decision != receipt.SlowDown:
		a.err = errOtherReceipt
	default:
		a.Statement, a.outcome = st, report.HTTPError
	}
	return a
}

// offer offers a batch to its collector and settles its fate, or lets it wait.
func (s *Simulation) offer(ctx context.Context, b *batch) {
	for ctx.Err() == nil {
		if s.settled(ctx, b) {
			return
		}
	}
	s.settle(b, &s.counts.gaveUp)
}

// settled offers a batch once and reports whether that is all to be done now. If not, there was no
// room for the batch among those that wait, so that it has waited here.
func (s *Simulation) settled(ctx context.Context, b *batch) bool {
	if b.segment == nil {
		if err := b.seal(s.key); err != nil {
			s.counts.fail(err)
			s.settle(b, &s.counts.gaveUp)
			return true
		}
		b.offered = time.Now()
		s.counts.requests.Add(b.requests)
		s.counts.estimated.Add(uint64(math.Round(b.estimated)))
		s.counts.counters.Add(b.counters)
	}
	a := b.to.post(ctx, b)
	wait := time.Duration(0)
	switch {
	case a.Decision == receipt.Stored:
		s.counts.bytes.Add(uint64(len(b.segment)))
		s.settle(b, &s.counts.delivered)
		return true
	case a.Decision == receipt.Refused, a.Declines():
		s.counts.refuse(a.Reason)
		s.settle(b, nil)
		return true
	case a.Decision == receipt.SlowDown:
		s.counts.slowDowns.Add(1)
		wait = time.Duration(a.DelayMS) * time.Millisecond
	case ctx.Err() != nil:
		return false
	default:
		s.counts.unanswered.Add(1)
		s.counts.fail(fmt.Errorf("collector %s: %s: %w", b.to.ID, a.outcome, a.err))
	}
	b.failed(b.to.ID, a.outcome)
	wait = max(wait, rand.N(min(firstRetry<<min(b.tries, 16), longestRetry)))
	b.tries++
	if time.Since(b.offered)+wait > s.o.Patience {
		s.settle(b, &s.counts.gaveUp)
		return true
	}
	return s.later(ctx, b, wait)
}

// later lets a batch wait among the others that do, or here if there is no room.
func (s *Simulation) later(ctx context.Context, b *batch, wait time.Duration) bool {
	if !b.waits {
		select {
		case s.waiting <- struct{}{}:
			b.waits = true
		default:
			timer := time.NewTimer(wait)
			defer timer.Stop()
			select {
			case <-timer.C:
			case <-ctx.Done():
			}
			return false
		}
	}
	go func() {
		timer := time.NewTimer(wait)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
			s.settle(b, &s.counts.gaveUp)
			return
		}
		select {
		case s.again <- b:
		case <-ctx.Done():
			s.settle(b, &s.counts.gaveUp)
		}
	}()
	return true
}

// failed notes a failed attempt in the delivery path.
func (b *batch) failed(collector string, o report.Outcome) {
	if len(b.path) == report.MaxPath {
		b.path = slices.Delete(b.path, 0, 1)
	}
	b.path = append(b.path, report.Attempt{Collector: collector, Outcome: o})
}
