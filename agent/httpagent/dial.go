package httpagent

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/heliograph-net/heliograph/privacy/policy"
)

// The timeouts and limits of deliveries.
const (
	exchangeTimeout  = 45 * time.Second // the whole exchange
	resolveTimeout   = 5 * time.Second
	connectTimeout   = 5 * time.Second // per address
	handshakeTimeout = 10 * time.Second
	answerTimeout    = 20 * time.Second
	idleTimeout      = 30 * time.Second
	maxAnswerHead    = 16 << 10
	maxClients       = 4 * policy.MaxCollectors // for this policy and some earlier ones
)

// client returns the client for a collector. Clients with other pins or addresses are never shared.
func (t *Transport) client(c policy.Collector) *http.Client {
	key := clientKey(c)
	t.mu.Lock()
	defer t.mu.Unlock()
	if client, ok := t.clients[key]; ok {
		return client
	}
	if len(t.clients) >= maxClients {
		for _, client := range t.clients {
			client.CloseIdleConnections()
		}
		clear(t.clients)
	}
	client := t.newClient(c)
	t.clients[key] = client
	return client
}

func clientKey(c policy.Collector) string {
	parts := append([]string{c.ID, c.URL}, c.Addresses...)
	for _, pin := range c.Pins {
		parts = append(parts, string(pin))
	}
	return strings.Join(parts, "\x00")
}

func (t *Transport) newClient(c policy.Collector) *http.Client {
	return &http.Client{
		Timeout:       exchangeTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DialContext:            t.dialer(c).dial,
			TLSClientConfig:        t.tlsConfig(c),
			TLSHandshakeTimeout:    handshakeTimeout,
			ResponseHeaderTimeout:  answerTimeout,
			IdleConnTimeout:        idleTimeout,
			MaxResponseHeaderBytes: maxAnswerHead,
			MaxIdleConnsPerHost:    1,
			MaxConnsPerHost:        2,
			DisableCompression:     true,
			ForceAttemptHTTP2:      true,
		},
	}
}

func (t *Transport) tlsConfig(c policy.Collector) *tls.Config {
	config := &tls.Config{RootCAs: t.o.RootCAs, MinVersion: tls.VersionTLS12}
	if len(c.Pins) > 0 {
		config.VerifyConnection = func(state tls.ConnectionState) error { return checkPins(state, c.Pins) }
	}
	return config
}

// checkPins requires one of the pinned keys (RFC 7469, section 2.4) in a verified chain.
func checkPins(state tls.ConnectionState, pins [][]byte) error {
	for _, chain := range state.VerifiedChains {
		for _, cert := range chain {
			sum := sha256.Sum256(cert.RawSubjectPublicKeyInfo)
			if slices.ContainsFunc(pins, func(pin []byte) bool { return string(pin) == string(sum[:]) }) {
				return nil
			}
		}
	}
	return errPin
}

// dialer connects to one collector.
type dialer struct {
	net.Dialer
	resolver  *net.Resolver
	addresses []string
}

func (t *Transport) dialer(c policy.Collector) *dialer {
	d := &dialer{
		Dialer:    net.Dialer{Timeout: connectTimeout},
		resolver:  t.o.Resolver,
		addresses: c.Addresses,
	}
	if d.resolver == nil {
		d.resolver = net.DefaultResolver
	}
	if t.o.LocalAddr.IsValid() {
		d.LocalAddr = &net.TCPAddr{IP: t.o.LocalAddr.AsSlice(), Zone: t.o.LocalAddr.Zone()}
	}
	return d
}

// dial connects to addr. If its name does not resolve or none of its addresses answers, dial
// connects to the policy's addresses.
func (d *dialer) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	addresses, err := d.resolve(ctx, host, port)
	addresses = append(addresses, d.addresses...)
	for _, a := range addresses {
		conn, dialErr := d.DialContext(ctx, network, a)
		if dialErr == nil {
			return conn, nil
		}
		if err = dialErr; ctx.Err() != nil {
			break
		}
	}
	if err == nil {
		err = errors.New("collector's name has no address")
	}
	return nil, err
}

// maxResolved is how many of a name's addresses are tried.
const maxResolved = 4

func (d *dialer) resolve(ctx context.Context, host, port string) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, resolveTimeout)
	defer cancel()
	found, err := d.resolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return nil, err
	}
	var addresses []string
	for _, ip := range found[:min(len(found), maxResolved)] {
		addresses = append(addresses, net.JoinHostPort(ip.Unmap().String(), port))
	}
	return addresses, nil
}
