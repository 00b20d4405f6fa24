package policy_test

import (
	"crypto/ed25519"
	"fmt"
	"log"
	"time"

	"github.com/heliograph-net/heliograph/privacy/policy"
	"github.com/heliograph-net/heliograph/privacy/seal"
	"github.com/heliograph-net/heliograph/report"
)

// A policy can lower the consent that the user gave.
func Example() {
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		log.Fatal(err)
	}
	open, err := seal.GenerateOpenKey()
	if err != nil {
		log.Fatal(err)
	}
	issued := time.Unix(1_800_000_000, 0)
	file, err := policy.Sign(&policy.Policy{
		Version: 1, Issued: issued.Unix(), Expires: issued.AddDate(1, 0, 0).Unix(),
		MaxConsent: report.Counts, SealKey: open.SealKey().Bytes(), Signers: [][]byte{public},
		Collectors: []policy.Collector{{ID: "c1", URL: "https://c1.example.net", ReceiptKey: public}},
	}, private)
	if err != nil {
		log.Fatal(err)
	}
	p, err := policy.Open(file, public)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(p.Effective(report.Diagnostics, issued), p.Effective(report.Off, issued))
	// Output: counts off
}
