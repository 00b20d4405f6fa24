// Package model checks the delivery protocol with SPIN: docs/protocol-model.md tells what of.
package model

import (
	"os/exec"
	"strings"
	"testing"
)

// What a search reports of a model with a fault. The first three are assertions of the model.
const (
	nobodyHasIt  = "assertion violated (((((spool|receipts[0])" // deleted before anybody has signed
	receiptLost  = "assertion violated (( !(((receipts[m]>>k)&1))"
	countedTwice = "assertion violated (taken["
	neverThere   = "acceptance cycle"
)

// search is one exhaustive search, of a model of some size.
type search struct {
	name    string
	defines string
	finds   string // "": nothing
}

// The switches are explained in docs/protocol-model.md.
var searches = []search{
	{"two collectors", "N=1 L=3", ""},
	{"one transaction, two batches", "N=2 L=3 ONE=0", ""},
	{"queue and ledger, two batches", "N=2 L=2 ONE=1", ""},
	{"a liar that forges, one transaction", "N=1 L=2 ONE=0 LIAR=FORGED", ""},
	{"a liar that forges, queue and ledger", "N=1 L=2 ONE=1 LIAR=FORGED", ""},
	{"a liar that cuts, one transaction", "N=1 L=2 ONE=0 LIAR=CUT", ""},
	{"a liar that cuts, queue and ledger", "N=1 L=2 ONE=1 LIAR=CUT", ""},
	{"in the end, a collector dies", "N=1 L=2 LIVENESS", ""},
	{"in the end, one transaction", "N=2 L=2 ONE=0 LIVENESS", ""},
	{"in the end, queue and ledger", "N=2 L=2 ONE=1 LIVENESS", ""},
	{"in the end, beside a liar that plants, one transaction", "N=1 L=2 ONE=0 LIAR=FORGED LIVENESS", ""},
	{"in the end, beside a liar that plants, queue and ledger", "N=1 L=2 ONE=1 LIAR=FORGED LIVENESS", ""},
	{"in the end, beside a liar that plants it cut", "N=1 L=2 ONE=0 LIAR=CUT LIVENESS", ""},

	{"agent deletes before the receipt", "N=1 L=2 DELETE_BEFORE_RECEIPT", nobodyHasIt},
	{"agent believes a status code", "N=1 L=2 BELIEVE_STATUS", nobodyHasIt},
	{"agent believes another batch's receipt", "N=2 L=2 ONE=0 ANY_RECEIPT", nobodyHasIt},
	{"receipt before the sync", "N=1 L=2 RECEIPT_BEFORE_SYNC", receiptLost},
	{"ledger entry without the batch", "N=1 L=2 LEDGER_FIRST", receiptLost},
	{"cursor saved before the append", "N=1 L=2 CURSOR_BEFORE_APPEND", receiptLost},
	{"acknowledged before the append", "N=1 L=2 ACK_BEFORE_APPEND", receiptLost},
	{"store without ids", "N=1 L=2 NO_IDS", countedTwice},
	{"store that knows ids alone, a liar forges", "N=1 L=2 ONE=0 LIAR=FORGED IDS_ALONE", receiptLost},
	{"store that knows ids alone, a liar cuts", "N=1 L=2 ONE=0 LIAR=CUT IDS_ALONE", receiptLost},
	{"ledger that knows ids alone, a liar plants", "N=1 L=2 ONE=0 LIAR=FORGED LIVENESS LEDGER_OF_IDS", neverThere},
}

func TestModel(t *testing.T) {
	for _, tool := range []string{"spin", "cc"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Fatalf("%v: run tests/setup.sh", err)
		}
	}
	for _, s := range searches {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			out := s.run(t)
			if strings.Contains(out, "search depth too small") || strings.Contains(out, "memory limit") {
				t.Fatalf("the search was not exhaustive:\n%s", out)
			}
			t.Log(figures(out))
			switch {
			case s.finds == "" && !strings.Contains(out, "errors: 0"):
				t.Errorf("a counterexample:\n%s", out)
			case s.finds != "" && !strings.Contains(out, s.finds):
				t.Errorf("the fault is not found; want %q:\n%s", s.finds, out)
			}
		})
	}
}
