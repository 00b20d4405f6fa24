package receipt_test

import (
	"crypto/ed25519"
	"crypto/sha256"
	"fmt"
	"log"

	"github.com/heliograph-net/heliograph/privacy/receipt"
	"github.com/heliograph-net/heliograph/report"
)

// One signature covers all uploads of a group. Each upload gets its own receipt.
func Example() {
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		log.Fatal(err)
	}
	receipts, err := receipt.Sign(private, []receipt.Statement{
		{Batch: report.BatchID{1}, Body: sha256.Sum256([]byte("segment")), Decision: receipt.Stored},
		{Batch: report.BatchID{2}, Decision: receipt.SlowDown, Reason: receipt.ReasonOverload, DelayMS: 30_000},
	})
	if err != nil {
		log.Fatal(err)
	}
	for _, r := range receipts {
		s, err := receipt.Verify(public, r)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(s.Batch[0], s.Decision, s.DelayMS)
	}
	// Output:
	// 1 stored 0
	// 2 slow_down 30000
}
