package doctor

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/publicsuffix"

	"github.com/heliograph-net/heliograph/internal/nettable"
	"github.com/heliograph-net/heliograph/internal/protocol"
	"github.com/heliograph-net/heliograph/privacy/policy"
)

// Looker finds facts by asking the resolver and the hosts. It is safe for concurrent use.
type Looker struct {
	Resolver *net.Resolver   // nil means that of the system
	Networks *nettable.Table // nil means that autonomous systems are unknown
	RootCAs  *x509.CertPool  // nil means those of the system
	Timeout  time.Duration   // of one request; 0 means 5 s
	Held     *Held           // nil means that policies and receipts are not checked
}

func (l *Looker) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	limit := l.Timeout
	if limit == 0 {
		limit = 5 * time.Second
	}
	return context.WithTimeout(ctx, limit)
}

// Service returns the facts about the service under one of its names, such as "shop.example" or
// "shop.example:8443".
func (l *Looker) Service(ctx context.Context, name string) Facts {
	host, port, err := net.SplitHostPort(name)
	if err != nil {
		host, port = name, "443"
	}
	f := Facts{Name: name}
	l.names(ctx, &f, host)
	l.certificate(ctx, &f, host, net.JoinHostPort(host, port))
	if len(f.Addresses) > 0 {
		f.Faults = nil // it does not matter whether the service works
	}
	l.networks(&f)
	return f
}

// Collector returns the facts about a collector, which it reaches by name and at each
// fallback address.
func (l *Looker) Collector(ctx context.Context, c policy.Collector) Facts {
	f := Facts{Name: "collector " + c.ID}
	u, err := url.Parse(c.URL)
	if err != nil {
		f.Faults = append(f.Faults, "its URL is not one: "+err.Error())
		return f
	}
	host, port := u.Hostname(), u.Port()
	if port == "" {
		port = "443"
	}
	l.names(ctx, &f, host)
	if u.Scheme == "https" {
		l.certificate(ctx, &f, host, net.JoinHostPort(host, port))
	}
	if l.answers(ctx, &f, c, "", "by its name"); l.Held != nil && len(f.Faults) == 0 {
		l.receipts(ctx, &f, c)
	}
	for _, a := range c.Addresses {
		l.answers(ctx, &f, c, a, "at its fallback address "+a)
		if ap, err := netip.ParseAddrPort(a); err == nil && !slices.Contains(f.Addresses, ap.Addr()) {
			f.Addresses = append(f.Addresses, ap.Addr())
		}
	}
	l.networks(&f)
	return f
}

// names finds addresses, registrable domain and name servers.
func (l *Looker) names(ctx context.Context, f *Facts, host string) {
	if a, err := netip.ParseAddr(host); err == nil {
		f.Addresses = []netip.Addr{a.Unmap()}
		return
	}
	ctx, cancel := l.bounded(ctx)
	defer cancel()
	addrs, err := l.Resolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		f.Faults = append(f.Faults, host+" does not resolve: "+err.Error())
	}
	for _, a := range addrs {
		f.Addresses = append(f.Addresses, a.Unmap())
	}
	if f.Domain, err = publicsuffix.EffectiveTLDPlusOne(strings.ToLower(host)); err != nil {
		f.Unknown = append(f.Unknown, "the registrable domain of "+host+" is not known")
		return
	}
	servers, err := l.Resolver.LookupNS(ctx, f.Domain)
	if err != nil {
		f.Unknown = append(f.Unknown, "the name servers of "+f.Domain+" could not be asked for: "+err.Error())
	}
	for _, s := range servers {
		f.NameServers = append(f.NameServers, strings.ToLower(strings.TrimSuffix(s.Host, ".")))
	}
}

// certificate finds the authority and the expiry of a host's certificate.
func (l *Looker) certificate(ctx context.Context, f *Facts, host, addr string) {
	ctx, cancel := l.bounded(ctx)
	defer cancel()
	d := tls.Dialer{NetDialer: &net.Dialer{Resolver: l.Resolver}, Config: &tls.Config{ServerName: host, RootCAs: l.RootCAs}}
	conn, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		if bad, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
			f.Faults = append(f.Faults, "its certificate is not valid: "+bad.Err.Error())
		} else {
			f.Unknown = append(f.Unknown, "the certificate of "+host+" could not be seen: "+err.Error())
		}
		return
	}
	defer conn.Close()
	state := conn.(*tls.Conn).ConnectionState()
	chain := state.VerifiedChains[0]
	root := chain[len(chain)-1].Subject
	f.Authority = strings.TrimSpace(strings.Join(root.Organization, " ") + " " + root.CommonName)
	f.Expires = state.PeerCertificates[0].NotAfter
}

// client connects to the host that a request names, or to an address in its place.
func (l *Looker) client(address string) *http.Client {
	dial := &net.Dialer{Resolver: l.Resolver}
	return &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		TLSClientConfig:   &tls.Config{RootCAs: l.RootCAs},
		DialContext: func(ctx context.Context, network, name string) (net.Conn, error) {
			if address != "" {
				name = address
			}
			return dial.DialContext(ctx, network, name)
		},
	}}
}

// answers asks a collector for its policy, by name or at an address, and reads its clock.
func (l *Looker) answers(ctx context.Context, f *Facts, c policy.Collector, address, how string) {
	ctx, cancel := l.bounded(ctx)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.URL+protocol.PathPolicy, nil)
	if err != nil {
		f.Faults = append(f.Faults, "cannot be asked "+how+": "+err.Error())
		return
	}
	asked := time.Now()
	resp, err := l.client(address).Do(req)
	if err != nil {
		f.Faults = append(f.Faults, "does not answer "+how+": "+err.Error())
		return
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != protocol.MediaTypePolicy {
		f.Faults = append(f.Faults, fmt.Sprintf("what answers %s (status %d) is no collector that serves a policy", how, resp.StatusCode))
	} else if l.Held != nil {
		served, err := io.ReadAll(io.LimitReader(resp.Body, policy.MaxSize+1))
		if err != nil {
			f.Faults = append(f.Faults, "its policy could not be read "+how+": "+err.Error())
			return
		}
		f.Faults = append(f.Faults, l.Held.compare(served, c.ID, asked)...)
	}
	if date, err := http.ParseTime(resp.Header.Get("Date")); err == nil {
		// the header has whole seconds
		f.ClockOffset = date.Add(500 * time.Millisecond).Sub(asked.Add(time.Since(asked) / 2))
	}
}

// networks finds the autonomous systems of the addresses.
func (l *Looker) networks(f *Facts) {
	for _, a := range f.Addresses {
		asn, _ := l.Networks.Lookup(a)
		switch {
		case asn != 0 && !slices.Contains(f.ASNs, asn):
			f.ASNs = append(f.ASNs, asn)
		case asn == 0 && !a.IsLoopback():
			f.Unknown = append(f.Unknown, "the autonomous system of "+a.String()+" is not known (--networks names a table)")
		}
	}
}
