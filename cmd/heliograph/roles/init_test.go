package roles

import (
	"io/fs"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/privacy/policy"
	"github.com/heliograph-net/heliograph/report"
)

func TestInitGivesWhatUpNeeds(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "d")
	if err := Init(dir, InitOptions{}); err != nil {
		t.Fatal(err)
	}
	c, err := Load(filepath.Join(dir, ConfigName))
	if err != nil {
		t.Fatalf("the commented configuration: %v", err)
	}
	want := defaults()
	want.path, want.dir, want.text = c.path, c.dir, c.text
	if got := c.Detector; !reflect.DeepEqual(got.Store, want.Detector.Store) || got.Bin != want.Detector.Bin || got.MinClients != want.Detector.MinClients {
		t.Errorf("the comments say that the defaults are shown, but: %+v, %+v", got, want.Detector)
	}
	if c.Collector.MaxBytes != want.Collector.MaxBytes || c.Prober.Interval != want.Prober.Interval || c.Dashboard.Listen != want.Dashboard.Listen {
		t.Errorf("the comments say that the defaults are shown, but: %+v", c)
	}
	signed, err := readLimited(filepath.Join(dir, "policy"), policy.MaxSize)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := policy.Signer(signed)
	if err != nil {
		t.Fatal(err)
	}
	p, err := policy.Open(signed, signer)
	if err != nil {
		t.Fatal(err)
	}
	if p.SuccessPPM != 50_000 || p.MaxConsent != report.Diagnostics || p.Collectors[0].URL != "http://127.0.0.1:8417" || p.Expired(time.Now()) {
		t.Errorf("policy %+v", p)
	}
}

func TestInitThatFailsLeavesNothing(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "d")
	err := Init(dir, InitOptions{Policy: []byte("seal_key: keys/seal.pem\nsigners: [keys/policy.pub.pem]\ncollectors: [{id: c1, url: \"http://collector.example\", receipt_key: keys/receipt.pub.pem}]\n")})
	if err == nil || !strings.Contains(err.Error(), "policy.yaml") || !strings.Contains(err.Error(), "http") {
		t.Errorf("plain http to a foreign host: %v", err)
	}
	_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			t.Errorf("%s is left", path)
		}
		return nil
	})
}

func TestBadPolicySourceNamesFileAndKey(t *testing.T) {
	for text, want := range map[string]string{
		"success_fraction: 2\n":   "success_fraction",
		"window: soon\n":          "window",
		"max_consent: all\n":      "max_consent",
		"seal_key: nowhere\n":     "seal_key",
		"signers: [nowhere]\n":    "signers[0]",
		"colectors: []\n":         "colectors",
		"collectors: [{id: a}]\n": "collectors[0].receipt_key",
	} {
		err := Init(filepath.Join(t.TempDir(), "d"), InitOptions{Policy: []byte(text)})
		if err == nil || !strings.Contains(err.Error(), "policy.yaml") || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want policy.yaml and %s named", text, err, want)
		}
	}
}
