package client_test

import (
	"testing"

	"github.com/heliograph-net/heliograph/tests/bench/client"
)

func BenchmarkSuccessPath(b *testing.B)    { run(b, client.SuccessPath()) }
func BenchmarkBodiless(b *testing.B)       { run(b, client.SuccessPathBodiless()) }
func BenchmarkLoopback(b *testing.B)       { run(b, client.Loopback()) }
func BenchmarkLoopbackTLS(b *testing.B)    { run(b, client.LoopbackTLS()) }
func BenchmarkLoopbackHTTP2(b *testing.B)  { run(b, client.LoopbackHTTP2()) }
func BenchmarkObserve(b *testing.B)        { run(b, client.Observe()) }
func BenchmarkCaptureFailure(b *testing.B) { run(b, client.CaptureFailure()) }

func run(b *testing.B, cases []client.Case) {
	for _, c := range cases {
		b.Run(c.Name, c.Run)
	}
}
