package grpcprobe_test

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/prober/probe"
	"github.com/heliograph-net/heliograph/prober/probe/conn"
	"github.com/heliograph-net/heliograph/prober/probe/grpcprobe"
	"github.com/heliograph-net/heliograph/prober/probe/probetest"
	"github.com/heliograph-net/heliograph/report"
)

// serve speaks HTTP/2 without TLS, and HTTP/1.1. tests/probes has a real gRPC server.
func serve(t *testing.T, handle http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewUnstartedServer(handle)
	server.Config.Protocols = new(http.Protocols)
	server.Config.Protocols.SetUnencryptedHTTP2(true)
	server.Start()
	t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

func answer(body, status string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/grpc")
		w.Header().Set("Trailer", "Grpc-Status")
		_, _ = w.Write([]byte(body))
		w.Header().Set("Grpc-Status", status)
	}
}

func TestProbeOfMisbehavingGRPCServers(t *testing.T) {
	for _, c := range []struct {
		name   string
		handle http.HandlerFunc
		want   report.Outcome
	}{
		{"serving", answer("\x00\x00\x00\x00\x02\x08\x01", "0"), report.OK},
		{"serving, with a field of the future", answer("\x00\x00\x00\x00\x05\x12\x01x\x08\x01", "0"), report.OK},
		{"not serving", answer("\x00\x00\x00\x00\x02\x08\x02", "0"), report.GRPCNotServing},
		{"unknown", answer("\x00\x00\x00\x00\x00", "0"), report.GRPCNotServing},
		{"unknown service", answer("", "5"), report.GRPCNotServing},
		{"unimplemented", answer("", "12"), report.GRPCFailed},
		{"no status", func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Content-Type", "application/grpc") }, report.GRPCFailed},
		{"no message", answer("", "0"), report.GRPCFailed},
		{"half a message", answer("\x00\x00\x00\x00\x02\x08", "0"), report.GRPCFailed},
		{"garbage", answer("\x00\x00\x00\x00\x02\xff\xff", "0"), report.GRPCFailed},
		{"compressed", answer("\x01\x00\x00\x00\x02\x08\x01", "0"), report.GRPCFailed},
		{"a page", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>")) }, report.GRPCFailed},
		{"502", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(502) }, report.HTTPError},
		{"breaks off", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, report.H2ProtocolError},
		{"stalls", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, report.TCPTimedOut},
	} {
		t.Run(c.name, func(t *testing.T) {
			timeout := probetest.Limit
			if c.want == report.TCPTimedOut {
				timeout = time.Second
			}
			r, err := probetest.Once(t, &grpcprobe.Options{Target: serve(t, c.handle)}, probe.Env{}, timeout)
			if err != nil || r.Outcome != c.want || r.Ended() != grpcprobe.StepCheck {
				t.Errorf("%+v, %v; want %s", r, err, c.want)
			}
		})
	}
}

func TestProbeOfServersWithoutGRPC(t *testing.T) {
	for _, c := range []struct {
		name string
		spec grpcprobe.Options
		want report.Outcome
	}{
		{"closed port", grpcprobe.Options{Target: probetest.ClosedPort(t)}, report.TCPRefused},
		{"TLS without HTTP/2", overTLS(t, "http/1.1", ""), report.TLSProtocolError},
		{"TLS without ALPN", overTLS(t, "", ""), report.H2ProtocolError},
		{"other name", overTLS(t, "h2", "other.example"), report.TLSCertNameInvalid},
	} {
		t.Run(c.name, func(t *testing.T) {
			if r, err := probetest.Once(t, &c.spec, probe.Env{}, probetest.Limit); err != nil || r.Outcome != c.want {
				t.Errorf("%+v, %v; want %s", r, err, c.want)
			}
		})
	}
}

func overTLS(t *testing.T, protocol, name string) grpcprobe.Options {
	ours := probetest.NewAuthority(t)
	config := &tls.Config{Certificates: ours.Server(t).Certificates}
	if protocol != "" {
		config.NextProtos = []string{protocol}
	}
	if name == "" {
		name = "shop.example"
	}
	address, _ := probetest.Serve(t, probetest.Secure(config, probetest.Nothing))
	return grpcprobe.Options{Target: address, Secure: true, TLS: conn.TLSOptions{RootCAs: ours.Pool(), ServerName: name}}
}

func TestOptionsNameTheirFault(t *testing.T) {
	for want, o := range map[string]grpcprobe.Options{
		"address: missing": {}, "service: longer": {Target: "a:1", Service: strings.Repeat("x", 1025)},
		"ca_file": {Target: "a:1", Secure: true, TLS: conn.TLSOptions{CAFile: "/nowhere/ca.pem"}},
	} {
		if _, err := o.Probe(probe.Env{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
}

func TestMetadataIsSent(t *testing.T) {
	target := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Tenant") != "shop" || r.Header.Get("Content-Type") != "application/grpc" {
			t.Errorf("%v", r.Header)
		}
		answer("\x00\x00\x00\x00\x02\x08\x01", "0")(w, r)
	})
	spec := &grpcprobe.Options{Target: target, Metadata: map[string][]string{"x-tenant": {"shop"}, "content-type": {"text/html"}}}
	if r, err := probetest.Once(t, spec, probe.Env{}, probetest.Limit); err != nil || r.Outcome != report.OK {
		t.Errorf("%+v, %v", r, err)
	}
	spec.Metadata = map[string][]string{"x tenant": {"shop"}}
	if _, err := spec.Probe(probe.Env{}); err == nil {
		t.Error("an invalid name was taken")
	}
}
