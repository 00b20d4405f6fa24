package prober

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/report"
)

// authority signs certificates for tests.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test authority"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign, NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: time.Now().Add(48 * time.Hour),
	}
	a.certificate, a.key = a.sign(t, template, nil)
	return a
}

// sign makes a key and its certificate; by itself when parent is nil.
func (a *authority) sign(t *testing.T, template, parent *x509.Certificate) (*x509.Certificate, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer := a.key
	if parent == nil {
		parent, signer = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return certificate, key
}

// server is a certificate for shop.example that ends at an hour from now, which may lie
// in the past.
func (a *authority) server(t *testing.T, ends time.Duration) tls.Certificate {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), DNSNames: []string{"shop.example"}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		NotBefore: time.Now().Add(-24 * time.Hour), NotAfter: time.Now().Add(ends),
	}
	certificate, key := a.sign(t, template, a.certificate)
	return tls.Certificate{Certificate: [][]byte{certificate.Raw}, PrivateKey: key}
}

func (a *authority) pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.certificate)
	return pool
}

// secure does handle behind a TLS handshake.
func secure(config *tls.Config, handle func(net.Conn)) func(net.Conn) {
	return func(conn net.Conn) {
		secured := tls.Server(conn, config)
		if secured.Handshake() == nil {
			handle(secured)
			_ = secured.CloseWrite()
		}
	}
}

func TestProbeOfMisbehavingTLSServers(t *testing.T) {
	const good = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
	ours, other := newAuthority(t), newAuthority(t)
	valid, expired := ours.server(t, time.Hour), ours.server(t, -time.Hour)
	with := func(c tls.Certificate) *tls.Config { return &tls.Config{Certificates: []tls.Certificate{c}} }
	trusted := TLSOptions{RootCAs: ours.pool()}
	for _, c := range []struct {
		name    string
		handle  func(net.Conn)
		options TLSOptions
		want    report.Outcome
		phase   Phase
	}{
		{"good", secure(with(valid), answer(good)), trusted, report.OK, PhaseBody},
		{"expired", secure(with(expired), answer(good)), trusted, report.TLSCertDateInvalid, PhaseTLS},
		{"expired, any taken", secure(with(expired), answer(good)), TLSOptions{InsecureSkipVerify: true}, report.OK, PhaseBody},
		{"other name", secure(with(valid), answer(good)), TLSOptions{RootCAs: ours.pool(), ServerName: "other.example"}, report.TLSCertNameInvalid, PhaseTLS},
		{"unknown authority", secure(with(valid), answer(good)), TLSOptions{RootCAs: other.pool()}, report.TLSCertAuthorityInvalid, PhaseTLS},
		{"the system's authorities", secure(with(valid), answer(good)), TLSOptions{}, report.TLSCertAuthorityInvalid, PhaseTLS},
		{"old version", secure(&tls.Config{Certificates: with(valid).Certificates, MaxVersion: tls.VersionTLS11, MinVersion: tls.VersionTLS10}, answer(good)),
			trusted, report.TLSVersionOrCipherMismatch, PhaseTLS},
		{"no common protocol", secure(&tls.Config{Certificates: with(valid).Certificates, NextProtos: []string{"imap"}}, answer(good)),
			trusted, report.TLSProtocolError, PhaseTLS},
		{"wants our certificate", secure(&tls.Config{Certificates: with(valid).Certificates, ClientAuth: tls.RequireAnyClientCert}, answer(good)),
			trusted, report.TLSBadClientAuthCert, PhaseFirstByte},
		{"unrecognised name", alert(112), trusted, report.TLSUnrecognizedNameAlert, PhaseTLS},
		{"internal error", alert(80), trusted, report.TLSProtocolError, PhaseTLS},
		{"speaks plain HTTP", answerRaw("HTTP/1.1 400 Bad Request\r\n\r\n"), trusted, report.TLSProtocolError, PhaseTLS},
		{"closes in the handshake", readSome, trusted, report.TCPClosed, PhaseTLS},
		{"resets in the handshake", func(conn net.Conn) { readSome(conn); reset(conn) }, trusted, report.TCPReset, PhaseTLS},
		{"half a body", secure(with(valid), answer("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok")), trusted, report.HTTPContentLengthMismatch, PhaseBody},
		{"500", secure(with(valid), answer("HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n")), trusted, report.HTTPError, PhaseBody},
	} {
		t.Run(c.name, func(t *testing.T) {
			address, accepted := serve(t, c.handle)
			result, err := probeOnce(t, Target{URL: "https://shop.example/", Address: address, TLS: c.options}, nil, limit)
			if err != nil {
				t.Fatal(err)
			}
			if result.Outcome != c.want || result.Phase != c.phase {
				t.Errorf("%s in %s, want %s in %s", result.Outcome, result.Phase, c.want, c.phase)
			}
			if d := result.Timings; d.Connect <= 0 || d.TLS <= 0 || accepted.Load() != 1 {
				t.Errorf("timings %+v, %d connections", d, accepted.Load())
			}
		})
	}
}

func TestProbeOfStalledHandshake(t *testing.T) {
	address, _ := serve(t, stall)
	result, err := probeOnce(t, Target{URL: "https://" + address}, nil, soon)
	if err != nil || result.Outcome != report.TCPTimedOut || result.Phase != PhaseTLS {
		t.Errorf("%+v, %v", result, err)
	}
}

func readSome(conn net.Conn) { _, _ = conn.Read(make([]byte, 4096)) }

func answerRaw(raw string) func(net.Conn) {
	return func(conn net.Conn) { readSome(conn); _, _ = conn.Write([]byte(raw)) }
}

// alert refuses the handshake with a fatal alert (RFC 8446, section 6).
func alert(number byte) func(net.Conn) {
	return answerRaw(string([]byte{21, 3, 3, 0, 2, 2, number}))
}
