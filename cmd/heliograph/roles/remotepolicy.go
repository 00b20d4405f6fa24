package roles

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/heliograph-net/heliograph/dashboards/api"
	"github.com/heliograph-net/heliograph/privacy/policy"
)

// askPolicyWithin is the time limit of asking one collector for its policy.
const askPolicyWithin = 5 * time.Second

// askPolicyEvery is how long a collector's answer is shown before it is asked again.
const askPolicyEvery = time.Minute

// remotePolicies asks other collectors what they serve to agents, as an agent does. What they
// answered is kept for a minute. It is safe for concurrent use.
type remotePolicies struct {
	client *http.Client

	mu    sync.Mutex // guards the following, and is held while collectors are asked
	known []api.ServedPolicy
	asked time.Time
	of    *Config // whose collectors were asked
}

func newRemotePolicies(roots *x509.CertPool) *remotePolicies {
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}, DisableKeepAlives: true}
	return &remotePolicies{client: &http.Client{Transport: transport, Timeout: askPolicyWithin,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// all returns the policies of the collectors that the detector of a configuration reads from.
func (r *remotePolicies) all(ctx context.Context, c *Config) []api.ServedPolicy {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.of == c && time.Since(r.asked) < askPolicyEvery {
		return append([]api.ServedPolicy(nil), r.known...)
	}
	found := make([]api.ServedPolicy, len(c.Detector.Feeds))
	var asking sync.WaitGroup
	for i, f := range c.Detector.Feeds {
		asking.Go(func() { found[i] = r.one(ctx, f) })
	}
	asking.Wait()
	if ctx.Err() == nil {
		r.known, r.asked, r.of = found, time.Now(), c
	}
	return append([]api.ServedPolicy(nil), found...)
}

func (r *remotePolicies) one(ctx context.Context, f FeedConfig) api.ServedPolicy {
	if f.URL == "" {
		return unreadable(f.ID, "is not asked for its policy, because its reports come by a stream")
	}
	p, err := r.get(ctx, strings.TrimSuffix(f.URL, "/")+"/v1/policy")
	if err != nil {
		return unreadable(f.ID, "cannot be read: "+err.Error())
	}
	shown := shownPolicy(f.ID, p)
	if p.Expired(time.Now()) {
		shown.Fault = "expired: agents record counts at most; sign a new version"
	}
	return shown
}

func (r *remotePolicies) get(ctx context.Context, url string) (*policy.Policy, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	resp, err := r.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answers %s", url, resp.Status)
	}
	signed, err := io.ReadAll(io.LimitReader(resp.Body, policy.MaxSize+1))
	if err != nil {
		return nil, err
	}
	if len(signed) > policy.MaxSize {
		return nil, errors.New("it is too long")
	}
	return openTrusted(signed)
}
