package receipt

import (
	"testing"

	"github.com/heliograph-net/heliograph/privacy/internal/fixtures"
)

func BenchmarkReceipts(b *testing.B) {
	for name, n := range map[string]int{"sign1": 1, "sign1000": 1000} {
		statements := make([]Statement, n)
		for i := range statements {
			statements[i] = testStatements[0]
		}
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				receipts(b, fixtures.SigningKey(3), statements...)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/receipt")
		})
	}
}
