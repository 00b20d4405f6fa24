package httpprobe_test

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

	"github.com/heliograph-net/heliograph/prober/probe"
	"github.com/heliograph-net/heliograph/prober/probe/conn"
	"github.com/heliograph-net/heliograph/prober/probe/httpprobe"
	"github.com/heliograph-net/heliograph/prober/probe/probetest"
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
	return func(c net.Conn) {
		secured := tls.Server(c, config)
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
	trusted := conn.TLSOptions{RootCAs: ours.pool()}
	for _, c := range []struct {
		name    string
		handle  func(net.Conn)
		options conn.TLSOptions
		want    report.Outcome
		step    string
	}{
		{"good", secure(with(valid), answer(good)), trusted, report.OK, httpprobe.StepBody},
		{"expired", secure(with(expired), answer(good)), trusted, report.TLSCertDateInvalid, conn.StepTLS},
		{"expired, any taken", secure(with(expired), answer(good)), conn.TLSOptions{InsecureSkipVerify: true}, report.OK, httpprobe.StepBody},
		{"other name", secure(with(valid), answer(good)), conn.TLSOptions{RootCAs: ours.pool(), ServerName: "other.example"}, report.TLSCertNameInvalid, conn.StepTLS},
		{"unknown authority", secure(with(valid), answer(good)), conn.TLSOptions{RootCAs: other.pool()}, report.TLSCertAuthorityInvalid, conn.StepTLS},
		{"the system's authorities", secure(with(valid), answer(good)), conn.TLSOptions{}, report.TLSCertAuthorityInvalid, conn.StepTLS},
		{"old version", secure(&tls.Config{Certificates: with(valid).Certificates, MaxVersion: tls.VersionTLS11, MinVersion: tls.VersionTLS10}, answer(good)),
			trusted, report.TLSVersionOrCipherMismatch, conn.StepTLS},
		{"no common protocol", secure(&tls.Config{Certificates: with(valid).Certificates, NextProtos: []string{"imap"}}, answer(good)),
			trusted, report.TLSProtocolError, conn.StepTLS},
		{"wants our certificate", secure(&tls.Config{Certificates: with(valid).Certificates, ClientAuth: tls.RequireAnyClientCert}, answer(good)),
			trusted, report.TLSBadClientAuthCert, httpprobe.StepFirstByte},
		{"unrecognised name", alert(112), trusted, report.TLSUnrecognizedNameAlert, conn.StepTLS},
		{"internal error", alert(80), trusted, report.TLSProtocolError, conn.StepTLS},
		{"speaks plain HTTP", answerRaw("HTTP/1.1 400 Bad Request\r\n\r\n"), trusted, report.TLSProtocolError, conn.StepTLS},
		{"closes in the handshake", readSome, trusted, report.TCPClosed, conn.StepTLS},
		{"resets in the handshake", func(c net.Conn) { readSome(c); probetest.Reset(c) }, trusted, report.TCPReset, conn.StepTLS},
		{"half a body", secure(with(valid), answer("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok")), trusted, report.HTTPContentLengthMismatch, httpprobe.StepBody},
		{"500", secure(with(valid), answer("HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n")), trusted, report.HTTPError, httpprobe.StepBody},
	} {
		t.Run(c.name, func(t *testing.T) {
			address, accepted := probetest.Serve(t, c.handle)
			result, err := probetest.Once(t, &httpprobe.Options{URL: "https://shop.example/", Connect: address, TLS: c.options}, probe.Env{}, probetest.Limit)
			if err != nil {
				t.Fatal(err)
			}
			if result.Outcome != c.want || result.Ended() != c.step {
				t.Errorf("%s in %s, want %s in %s", result.Outcome, result.Ended(), c.want, c.step)
			}
			if result.Step(conn.StepConnect) <= 0 || result.Step(conn.StepTLS) <= 0 || accepted.Load() != 1 {
				t.Errorf("steps %+v, %d connections", result.Steps, accepted.Load())
			}
		})
	}
}

func TestProbeOfStalledHandshake(t *testing.T) {
	address, _ := probetest.Serve(t, probetest.Stall)
	result, err := probetest.Once(t, &httpprobe.Options{URL: "https://" + address}, probe.Env{}, probetest.Soon)
	if err != nil || result.Outcome != report.TCPTimedOut || result.Ended() != conn.StepTLS {
		t.Errorf("%+v, %v", result, err)
	}
}

func readSome(c net.Conn) { _, _ = c.Read(make([]byte, 4096)) }

func answerRaw(raw string) func(net.Conn) {
	return func(c net.Conn) { readSome(c); _, _ = c.Write([]byte(raw)) }
}

// alert refuses the handshake with a fatal alert (RFC 8446, section 6).
func alert(number byte) func(net.Conn) {
	return answerRaw(string([]byte{21, 3, 3, 0, 2, 2, number}))
}

// A target that names no authorities of its own trusts the prober's.
func TestProbeTrustsTheProbersAuthorities(t *testing.T) {
	ours := newAuthority(t)
	config := &tls.Config{Certificates: []tls.Certificate{ours.server(t, time.Hour)}}
	address, _ := probetest.Serve(t, secure(config, answer("HTTP/1.1 204 No Content\r\n\r\n")))
	spec := &httpprobe.Options{URL: "https://shop.example/", Connect: address}
	result, err := probetest.Once(t, spec, probe.Env{RootCAs: ours.pool()}, probetest.Limit)
	if err != nil || result.Outcome != report.OK {
		t.Errorf("%+v, %v", result, err)
	}
	checkSteps(t, &result, conn.StepConnect, conn.StepTLS, httpprobe.StepFirstByte, httpprobe.StepBody)
}
