package tlsprobe_test

import (
	"crypto/tls"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/prober/probe"
	"github.com/heliograph-net/heliograph/prober/probe/conn"
	"github.com/heliograph-net/heliograph/prober/probe/probetest"
	"github.com/heliograph-net/heliograph/prober/probe/tlsprobe"
	"github.com/heliograph-net/heliograph/report"
)

const day = 24 * time.Hour

func TestProbeOfTLSServers(t *testing.T) {
	ours := probetest.NewAuthority(t)
	with := func(ends time.Duration) *tls.Config {
		return &tls.Config{Certificates: []tls.Certificate{ours.Certificate(t, ends)}, NextProtos: []string{"h2"}}
	}
	serve := func(c *tls.Config) func(net.Conn) { return probetest.Secure(c, probetest.Nothing) }
	wantsOurs := with(90 * day)
	wantsOurs.ClientAuth, wantsOurs.MaxVersion = tls.RequireAnyClientCert, tls.VersionTLS12
	old := with(90 * day)
	old.MinVersion, old.MaxVersion = tls.VersionTLS10, tls.VersionTLS11
	for _, c := range []struct {
		name    string
		handle  func(net.Conn)
		options tlsprobe.Options
		want    report.Outcome
		warning string // part of it
	}{
		{"good", serve(with(90 * day)), tlsprobe.Options{}, report.OK, ""},
		{"ends soon", serve(with(12*day + time.Hour)), tlsprobe.Options{TLS: conn.TLSOptions{WarnDays: 30}}, report.OK, "ends in 12 days"},
		{"ends in a fifth of its life", serve(with(6*time.Hour + time.Minute)), tlsprobe.Options{}, report.OK, "ends in 6 hours"},
		{"ends soon, nobody cares", serve(with(time.Hour)), tlsprobe.Options{TLS: conn.TLSOptions{WarnDays: -1}}, report.OK, ""},
		{"ended", serve(with(-time.Hour)), tlsprobe.Options{}, report.TLSCertDateInvalid, ""},
		{"ended, any taken", serve(with(-time.Hour)), tlsprobe.Options{TLS: conn.TLSOptions{InsecureSkipVerify: true}}, report.OK, "has ended"},
		{"other name", serve(with(90 * day)), tlsprobe.Options{TLS: conn.TLSOptions{ServerName: "other.example"}}, report.TLSCertNameInvalid, ""},
		{"authority in a file", serve(with(90 * day)), tlsprobe.Options{TLS: conn.TLSOptions{CAFile: "ca.pem"}}, report.OK, ""},
		{"wants our certificate", serve(wantsOurs), tlsprobe.Options{}, report.TLSVersionOrCipherMismatch, ""},
		{"gets our certificate", serve(wantsOurs), tlsprobe.Options{TLS: conn.TLSOptions{CertFile: "cert.pem", KeyFile: "key.pem"}}, report.OK, ""},
		{"chosen protocol", serve(with(90 * day)), tlsprobe.Options{Protocols: []string{"http/1.1", "h2"}}, report.OK, ""},
		{"no common protocol", serve(with(90 * day)), tlsprobe.Options{Protocols: []string{"imap"}}, report.TLSProtocolError, ""},
		{"old version", serve(old), tlsprobe.Options{}, report.TLSVersionOrCipherMismatch, ""},
		{"old version, allowed", serve(old), tlsprobe.Options{TLS: conn.TLSOptions{MinVersion: "TLS10"}}, report.OK, ""},
		{"speaks something else", func(c net.Conn) { _, _ = io.WriteString(c, "220 mail.example ESMTP\r\n"); probetest.HangUp(c) },
			tlsprobe.Options{}, report.TLSProtocolError, ""},
		{"hangs up", probetest.HangUp, tlsprobe.Options{}, report.TCPClosed, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			address, _ := probetest.Serve(t, c.handle)
			c.options.Target = address
			if c.options.TLS.ServerName == "" {
				c.options.TLS.ServerName = "shop.example"
			}
			env := probe.Env{RootCAs: ours.Pool(), Dir: ours.Files(t, ours.Certificate(t, day))}
			r, err := probetest.Once(t, &c.options, env, probetest.Limit)
			if err != nil {
				t.Fatal(err)
			}
			if r.Outcome != c.want || r.Ended() != conn.StepTLS || r.Server != address {
				t.Errorf("%s in %s at %s, want %s", r.Outcome, r.Ended(), r.Server, c.want)
			}
			if !strings.Contains(r.Warning, c.warning) || (c.warning == "") != (r.Warning == "") {
				t.Errorf("warning %q, want %q", r.Warning, c.warning)
			}
			if r.CertificateEnds.IsZero() == (c.want == report.OK) {
				t.Errorf("the certificate ends at %v", r.CertificateEnds)
			}
			if c.name == "chosen protocol" && r.Protocol != "h2" {
				t.Errorf("protocol %q", r.Protocol)
			}
		})
	}
}

// An authority that ends before what it signed ends the chain.
func TestTheChainEndsWithItsFirstCertificate(t *testing.T) {
	ours := probetest.NewAuthority(t)
	config := &tls.Config{Certificates: []tls.Certificate{ours.Certificate(t, 300*day)}}
	address, _ := probetest.Serve(t, probetest.Secure(config, probetest.Nothing))
	spec := &tlsprobe.Options{Target: address, TLS: conn.TLSOptions{ServerName: "shop.example", RootCAs: ours.Pool(), WarnDays: 110}}
	r, err := probetest.Once(t, spec, probe.Env{}, probetest.Limit)
	if err != nil || time.Until(r.CertificateEnds) > 101*day || !strings.Contains(r.Warning, "days") {
		t.Errorf("ends %v, warning %q, %v", r.CertificateEnds, r.Warning, err)
	}
}

func TestProbeOfStalledHandshake(t *testing.T) {
	address, _ := probetest.Serve(t, probetest.Stall)
	r, err := probetest.Once(t, &tlsprobe.Options{Target: address}, probe.Env{}, probetest.Soon)
	if err != nil || r.Outcome != report.TCPTimedOut || r.Ended() != conn.StepTLS {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestOptionsNameTheirFault(t *testing.T) {
	const at = "192.0.2.1:443"
	for want, o := range map[string]tlsprobe.Options{
		"address: missing": {},
		"ca_file":          {Target: at, TLS: conn.TLSOptions{CAFile: "/nowhere/ca.pem"}},
		"belong together":  {Target: at, TLS: conn.TLSOptions{CertFile: "a.pem"}},
		"key_file":         {Target: at, TLS: conn.TLSOptions{CertFile: "/nowhere/a.pem", KeyFile: "/nowhere/b.pem"}},
		"min_version":      {Target: at, TLS: conn.TLSOptions{MinVersion: "SSL3"}},
		"max_version":      {Target: at, TLS: conn.TLSOptions{MaxVersion: "TLS12", MinVersion: "TLS13"}},
		"alpn[0]":          {Target: at, Protocols: []string{""}},
	} {
		if _, err := o.Probe(probe.Env{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
}
