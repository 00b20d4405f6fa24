// Package probes tests kinds of probe against real servers that the product does not link.
package probes

import (
	"crypto/tls"
	"net"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"

	"github.com/heliograph-net/heliograph/prober/probe"
	"github.com/heliograph-net/heliograph/prober/probe/conn"
	"github.com/heliograph-net/heliograph/prober/probe/grpcprobe"
	"github.com/heliograph-net/heliograph/prober/probe/probetest"
	"github.com/heliograph-net/heliograph/report"
)

// serve runs a gRPC server until the test ends. Without a state it does not know the
// health service.
func serve(t *testing.T, state *health.Server, options ...grpc.ServerOption) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer(options...)
	if state != nil {
		grpc_health_v1.RegisterHealthServer(server, state)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(listener)
	}()
	t.Cleanup(func() {
		server.Stop()
		<-done
	})
	return listener.Addr().String()
}

func TestProbeOfGRPCHealth(t *testing.T) {
	state := health.NewServer()
	state.SetServingStatus("shop", grpc_health_v1.HealthCheckResponse_SERVING)
	state.SetServingStatus("cart", grpc_health_v1.HealthCheckResponse_NOT_SERVING)
	ours := probetest.NewAuthority(t)
	secure := credentials.NewTLS(&tls.Config{Certificates: ours.Server(t).Certificates})
	plain, secured := serve(t, state), serve(t, state, grpc.Creds(secure))
	for service, want := range map[string]report.Outcome{
		"": report.OK, "shop": report.OK, "cart": report.GRPCNotServing, "nobody": report.GRPCNotServing,
	} {
		for _, o := range []*grpcprobe.Options{
			{Target: plain, Service: service},
			{Target: secured, Service: service, Secure: true, TLS: conn.TLSOptions{ServerName: "shop.example", RootCAs: ours.Pool()}},
		} {
			r, err := probetest.Once(t, o, probe.Env{}, probetest.Limit)
			if err != nil || r.Outcome != want || r.Protocol != "h2" || r.Status != 200 || r.Ended() != grpcprobe.StepCheck {
				t.Errorf("service %q, TLS %v: %+v, %v; want %s", service, o.Secure, r, err, want)
			}
		}
	}
	r, err := probetest.Once(t, &grpcprobe.Options{Target: serve(t, nil)}, probe.Env{}, probetest.Limit)
	if err != nil || r.Outcome != report.GRPCFailed {
		t.Errorf("a server without health: %+v, %v", r, err)
	}
}
