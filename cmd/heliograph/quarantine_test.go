package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/cmd/heliograph/roles"
	"github.com/heliograph-net/heliograph/detector"
	"github.com/heliograph-net/heliograph/privacy/keyfile"
	"github.com/heliograph-net/heliograph/privacy/seal"
	"github.com/heliograph-net/heliograph/report"
)

// A batch whose key is missing is listed. Without the key it stays in quarantine, and with the key
// it leaves.
func TestQuarantineIsListedAndTriedAgain(t *testing.T) {
	dir := newDir(t)
	config := filepath.Join(dir, roles.ConfigName)
	key, err := seal.GenerateOpenKey()
	if err != nil {
		t.Fatal(err)
	}
	c, err := roles.Load(config)
	if err != nil {
		t.Fatal(err)
	}
	events, state, err := c.Detector.Store.Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	id := report.BatchID{1: 1}
	sealer, err := seal.NewSealer(key.SealKey(), id)
	if err != nil {
		t.Fatal(err)
	}
	record, err := report.AppendRecord(nil, &report.Header{Source: report.SourceAgent, App: "shop", Consent: report.Counts})
	if err != nil {
		t.Fatal(err)
	}
	segment, err := sealer.Seal(bytes.Clone(sealer.Prefix()), record)
	if err != nil {
		t.Fatal(err)
	}
	segment = seal.AppendEnd(segment)
	if err := state.SaveCursor(t.Context(), &detector.FeedPage{Feed: "c1", Cursor: 1, Quarantined: []detector.Quarantined{{ID: id, Received: time.Now(),
		Reason: detector.ReasonUnknownKey, Detail: "d", Collector: "c1", Country: "ZZ", Segment: segment}}}); err != nil {
		t.Fatal(err)
	}
	// the stores stay open: a detector may run meanwhile
	defer events.Close()
	defer state.Close()
	has := func(want string, args ...string) {
		t.Helper()
		if code, stdout, stderr := invoke(t, append(args, "--config", config)...); code != 0 || !strings.Contains(stdout, want) {
			t.Errorf("%v: exit %d, %q %q; want %q", args, code, stdout, stderr, want)
		}
	}
	has("unknown_key", "quarantine", "list")
	has(`"batch":"`+id.String()+`"`, "quarantine", "list", "--json")
	has("0 batches opened and were stored, 1 stay", "quarantine", "retry")
	if err := os.WriteFile(filepath.Join(dir, "keys", "open.pem"), keyfile.MarshalOpenKey(key), 0o600); err != nil {
		t.Fatal(err)
	}
	has("1 batches opened and were stored, 0 stay", "quarantine", "retry")
	has("Nothing is in quarantine", "quarantine", "list")
	if b, found, err := events.Batch(t.Context(), id); err != nil || !found || b.Feed != "c1" || b.App != "shop" {
		t.Errorf("%+v, %v, %v", b, found, err)
	}
}
