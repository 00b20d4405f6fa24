package privacy

import (
	"strings"
	"testing"
)

func BenchmarkScrubURL(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		ScrubURL("https://shop.example/api/v2/users/alice/orders/123e4567-e89b-12d3-a456-426614174000?token=x")
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
				ScrubText(text)
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

func BenchmarkSegment(b *testing.B) {
	key := openKey(b, 1)
	record := make([]byte, 1024)
	b.Run("seal", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			sealed(b, key.SealKey(), record)
		}
	})
	segment, ring := AppendEnd(sealed(b, key.SealKey(), record)), NewKeyring(key)
	b.Run("open", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, _, err := ring.Open(segment); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("parse", func(b *testing.B) {
		for b.Loop() {
			if _, err := ParseSegment(segment); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkReceipts(b *testing.B) {
	for name, n := range map[string]int{"sign1": 1, "sign1000": 1000} {
		statements := make([]Statement, n)
		for i := range statements {
			statements[i] = testStatements[0]
		}
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				receipts(b, signingKey(3), statements...)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/receipt")
		})
	}
}
