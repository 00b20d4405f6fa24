package relay

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/heliograph-net/heliograph/internal/daykey"
	"github.com/heliograph-net/heliograph/internal/httpx"
	"github.com/heliograph-net/heliograph/internal/protocol"
	"github.com/heliograph-net/heliograph/privacy/auth"
	"github.com/heliograph-net/heliograph/privacy/ohttp"
)

// gateway is the collector that some settings name.
type gateway struct {
	s       Settings
	log     *slog.Logger
	client  *http.Client
	keys    keyCache
	places  *daykey.Key // makes buckets
	failing atomic.Bool // whether the last request to the collector failed
	buckets atomic.Bool // whether the collector's last answer said that it reads buckets
}

func newGateway(s Settings, o *Options, places *daykey.Key) *gateway {
	return &gateway{s: s, log: o.Logger, places: places, client: &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DialContext:            (&net.Dialer{Timeout: 5 * time.Second}).DialContext,
			TLSClientConfig:        &tls.Config{RootCAs: s.RootCAs, MinVersion: tls.VersionTLS12},
			TLSHandshakeTimeout:    10 * time.Second,
			ResponseHeaderTimeout:  o.GatewayTimeout,
			IdleConnTimeout:        90 * time.Second,
			MaxResponseHeaderBytes: 16 << 10,
			MaxIdleConnsPerHost:    32,
			MaxConnsPerHost:        64,
			DisableCompression:     true,
			ForceAttemptHTTP2:      true,
		},
	}}
}

var errAnswer = errors.New("the answer is too long or broke off")

// ask sends an encapsulated request and reads the answer. It never sends a request twice: the
// collector would take the second for a replay, and only the client can make another (RFC 9458,
// section 6.5).
func (g *gateway) ask(ctx context.Context, client netip.Addr, body []byte) (*http.Response, []byte, error) {
	req, err := g.request(ctx, client, body)
	if err != nil {
		return nil, nil, err
	}
	resp, err := g.client.Do(req)
	if err != nil {
		return nil, nil, err
	}
	defer resp.Body.Close()
	g.heard(resp)
	answer, err := io.ReadAll(io.LimitReader(resp.Body, protocol.MaxObliviousResponse+1))
	if err != nil || len(answer) > protocol.MaxObliviousResponse {
		return nil, nil, errors.Join(err, errAnswer)
	}
	return resp, answer, nil
}

// request makes the request to the collector. Only the body and the network come from the client.
func (g *gateway) request(ctx context.Context, client netip.Addr, body []byte) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, g.s.Gateway+protocol.PathOblivious, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.GetBody = nil // sent once
	req.Header["User-Agent"] = nil
	req.Header.Set("Content-Type", ohttp.MediaTypeRequest)
	if len(g.s.Key) != 0 {
		network := g.network(client).String()
		req.Header.Set(protocol.HeaderNetwork, network)
		req.Header.Set("Authorization", auth.SignRelay(g.s.Key, g.s.Collector, network, body, time.Now()))
	}
	return req, nil
}

// heard notes whether the collector reads buckets. One of an older release would believe nothing of
// what is said with a bucket in it.
func (g *gateway) heard(answer *http.Response) {
	g.buckets.Store(answer.Header.Get(protocol.HeaderNetwork) == protocol.NetworkBuckets)
}

// network returns what may be disclosed about a client.
func (g *gateway) network(client netip.Addr) auth.Network {
	n := g.lookUp(client)
	if g.buckets.Load() {
		n.Bucket = g.places.Bucket(time.Now(), client)
	}
	return n
}

// lookUp checks what Networks returns, because the collector would refuse an invalid country.
func (g *gateway) lookUp(client netip.Addr) auth.Network {
	unknown := auth.Network{Country: "ZZ"}
	if g.s.Networks == nil {
		return unknown
	}
	asn, country := g.s.Networks.Lookup(client)
	found := auth.Network{ASN: asn, Country: country}
	if _, err := auth.ParseNetwork(found.String()); err != nil {
		return unknown
	}
	return found
}

var errNoKeys = errors.New("the collector does not tell its keys; is it a gateway, and the gateway URL right?")

// askForKeys reads the collector's key configurations and its signature for them.
func (g *gateway) askForKeys(ctx context.Context) (list []byte, signed string, err error) {
	ctx, cancel := context.WithTimeout(ctx, keysTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, g.s.Gateway+protocol.PathObliviousKeys, nil)
	if err != nil {
		return nil, "", err
	}
	req.Header["User-Agent"] = nil
	resp, err := g.client.Do(req)
	if err != nil {
		return nil, "", err
	}
	defer resp.Body.Close()
	g.heard(resp)
	list, err = io.ReadAll(io.LimitReader(resp.Body, ohttp.MaxKeys+1))
	if err != nil {
		return nil, "", err
	}
	signed = resp.Header.Get(protocol.HeaderGatewayKeys)
	if resp.StatusCode != http.StatusOK || !httpx.HasType(resp.Header, ohttp.MediaTypeKeys) || len(list) > ohttp.MaxKeys || len(signed) > 512 {
		return nil, "", errNoKeys
	}
	return bytes.Clone(list), signed, nil
}

// note logs when the collector begins to fail and when it answers again (fault is then ""), but not
// the failures between.
func (g *gateway) note(fault string, err error) {
	switch failed := g.failing.Swap(fault != ""); {
	case fault != "" && !failed:
		g.log.Warn(fault, "error", err)
	case fault == "" && failed:
		g.log.Info("the collector answers again")
	}
}
