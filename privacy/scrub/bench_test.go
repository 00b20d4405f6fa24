package scrub

import (
	"strings"
	"testing"
)

func BenchmarkScrubPlainURL(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		URL("https://shop.example/cart/items/4711")
	}
}

func BenchmarkScrubURL(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		URL("https://shop.example/api/v2/users/alice/orders/123e4567-e89b-12d3-a456-426614174000?token=x")
	}
}

func BenchmarkScrubText(b *testing.B) {
	const message = `Get "https://shop.example/u/123?x=y": read tcp 10.0.0.1:5123->203.0.113.9:443: connection reset by peer for alice@mail.example; `
	for _, n := range []int{1, 100} {
		b.Run(map[int]string{1: "short", 100: "long"}[n], func(b *testing.B) {
			text := strings.Repeat(message, n)
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				Text(text)
			}
		})
	}
}

func BenchmarkTarget(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		Target("https", "shop.example:443")
	}
}
