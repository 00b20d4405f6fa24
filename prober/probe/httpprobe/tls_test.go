package httpprobe_test

import (
	"crypto/tls"
	"net"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/prober/probe"
	"github.com/heliograph-net/heliograph/prober/probe/conn"
	"github.com/heliograph-net/heliograph/prober/probe/httpprobe"
	"github.com/heliograph-net/heliograph/prober/probe/probetest"
	"github.com/heliograph-net/heliograph/report"
)

func TestProbeOfMisbehavingTLSServers(t *testing.T) {
	const good = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
	ours, other := probetest.NewAuthority(t), probetest.NewAuthority(t)
	valid, expired := ours.Certificate(t, time.Hour), ours.Certificate(t, -time.Hour)
	with := func(c tls.Certificate) *tls.Config { return &tls.Config{Certificates: []tls.Certificate{c}} }
	trusted := conn.TLSOptions{RootCAs: ours.Pool()}
	for _, c := range []struct {
		name    string
		handle  func(net.Conn)
		options conn.TLSOptions
		want    report.Outcome
		step    string
	}{
		{"good", probetest.Secure(with(valid), answer(good)), trusted, report.OK, httpprobe.StepBody},
		{"expired", probetest.Secure(with(expired), answer(good)), trusted, report.TLSCertDateInvalid, conn.StepTLS},
		{"expired, any taken", probetest.Secure(with(expired), answer(good)), conn.TLSOptions{InsecureSkipVerify: true}, report.OK, httpprobe.StepBody},
		{"other name", probetest.Secure(with(valid), answer(good)), conn.TLSOptions{RootCAs: ours.Pool(), ServerName: "other.example"}, report.TLSCertNameInvalid, conn.StepTLS},
		{"unknown authority", probetest.Secure(with(valid), answer(good)), conn.TLSOptions{RootCAs: other.Pool()}, report.TLSCertAuthorityInvalid, conn.StepTLS},
		{"the system's authorities", probetest.Secure(with(valid), answer(good)), conn.TLSOptions{}, report.TLSCertAuthorityInvalid, conn.StepTLS},
		{"old version", probetest.Secure(&tls.Config{Certificates: with(valid).Certificates, MaxVersion: tls.VersionTLS11, MinVersion: tls.VersionTLS10}, answer(good)),
			trusted, report.TLSVersionOrCipherMismatch, conn.StepTLS},
		{"no common protocol", probetest.Secure(&tls.Config{Certificates: with(valid).Certificates, NextProtos: []string{"imap"}}, answer(good)),
			trusted, report.TLSProtocolError, conn.StepTLS},
		{"wants our certificate", probetest.Secure(&tls.Config{Certificates: with(valid).Certificates, ClientAuth: tls.RequireAnyClientCert}, answer(good)),
			trusted, report.TLSBadClientAuthCert, httpprobe.StepFirstByte},
		{"unrecognised name", alert(112), trusted, report.TLSUnrecognizedNameAlert, conn.StepTLS},
		{"internal error", alert(80), trusted, report.TLSProtocolError, conn.StepTLS},
		{"speaks plain HTTP", answerRaw("HTTP/1.1 400 Bad Request\r\n\r\n"), trusted, report.TLSProtocolError, conn.StepTLS},
		{"closes in the handshake", readSome, trusted, report.TCPClosed, conn.StepTLS},
		{"resets in the handshake", func(c net.Conn) { readSome(c); probetest.Reset(c) }, trusted, report.TCPReset, conn.StepTLS},
		{"half a body", probetest.Secure(with(valid), answer("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok")), trusted, report.HTTPContentLengthMismatch, httpprobe.StepBody},
		{"500", probetest.Secure(with(valid), answer("HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n")), trusted, report.HTTPError, httpprobe.StepBody},
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
	ours := probetest.NewAuthority(t)
	config := &tls.Config{Certificates: []tls.Certificate{ours.Certificate(t, time.Hour)}}
	address, _ := probetest.Serve(t, probetest.Secure(config, answer("HTTP/1.1 204 No Content\r\n\r\n")))
	spec := &httpprobe.Options{URL: "https://shop.example/", Connect: address}
	result, err := probetest.Once(t, spec, probe.Env{RootCAs: ours.Pool()}, probetest.Limit)
	if err != nil || result.Outcome != report.OK {
		t.Errorf("%+v, %v", result, err)
	}
	checkSteps(t, &result, conn.StepConnect, conn.StepTLS, httpprobe.StepFirstByte, httpprobe.StepBody)
}
