package roles

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/heliograph-net/heliograph/internal/yamlx"
	"github.com/heliograph-net/heliograph/privacy/keyfile"
	"github.com/heliograph-net/heliograph/privacy/policy"
	"github.com/heliograph-net/heliograph/report"
)

// PolicySource is the contents of policy.yaml: a policy in the form that people edit, before it is
// signed. Relative paths are relative to the file.
type PolicySource struct {
	Version         uint64            `yaml:"version"`
	ValidFor        Duration          `yaml:"valid_for"`
	Disabled        bool              `yaml:"disabled"`
	MaxConsent      string            `yaml:"max_consent"`
	SuccessFraction float64           `yaml:"success_fraction"`
	Window          Duration          `yaml:"window"`
	Early           Duration          `yaml:"early"` // 0: never
	ShortLived      bool              `yaml:"short_lived"`
	Samples         uint32            `yaml:"samples_per_window"`
	Refresh         Duration          `yaml:"refresh"`
	BytesPerDay     uint64            `yaml:"bytes_per_day"`
	SealKey         string            `yaml:"seal_key"`
	Signers         []string          `yaml:"signers"`
	Collectors      []CollectorSource `yaml:"collectors"`
}

// CollectorSource is one collector in policy.yaml.
type CollectorSource struct {
	ID        string   `yaml:"id"`
	URL       string   `yaml:"url"`
	Priority  uint32   `yaml:"priority"`
	Weight    uint32   `yaml:"weight"`
	Addresses []string `yaml:"addresses"`
	// base64 of the SHA-256 of the certificate's SubjectPublicKeyInfo
	Pins       []string `yaml:"pins"`
	ReceiptKey string   `yaml:"receipt_key"`

	// URL of the Oblivious HTTP relay in front of it; empty for none
	Relay         string   `yaml:"relay"`
	ObliviousKeys []string `yaml:"oblivious_keys"` // public key files of its gateway
}

func defaultPolicySource() PolicySource {
	return PolicySource{Version: 1, ValidFor: dur(90 * 24 * time.Hour), MaxConsent: report.Diagnostics.String(), SuccessFraction: 0.05,
		Window: dur(time.Minute), Early: dur(policy.DefaultEarlyMS * time.Millisecond), Samples: 5, Refresh: dur(time.Hour), BytesPerDay: 10 << 20}
}

// ReadPolicySource reads policy.yaml and the keys that it names. It returns an unsigned policy that
// is issued at now. Errors name file and key.
func ReadPolicySource(path string, now time.Time) (*policy.Policy, error) {
	text, err := readLimited(path, policy.MaxSize)
	if err != nil {
		return nil, err
	}
	s := defaultPolicySource()
	if err := yamlx.Decode(path, text, &s); err != nil {
		return nil, err
	}
	p, err := s.policy(filepath.Dir(path), now)
	if err == nil {
		err = p.Validate()
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return p, nil
}

func (s *PolicySource) policy(dir string, now time.Time) (*policy.Policy, error) {
	var errs []error
	bad := func(key string, err error) {
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", key, err))
		}
	}
	for key, d := range map[string]Duration{"valid_for": s.ValidFor, "window": s.Window, "refresh": s.Refresh} {
		if d.bad != "" || d.Duration <= 0 {
			bad(key, fmt.Errorf("%s is not a duration such as 60s, 24h or 90d", d))
		}
	}
	if s.Early.bad != "" || s.Early.Duration < 0 {
		bad("early", fmt.Errorf("%s is neither 0 nor a duration such as 8s", s.Early))
	}
	if s.ValidFor.Duration > 0 && s.ValidFor.Duration < s.Refresh.Duration {
		bad("valid_for", fmt.Errorf("%s is less than refresh (%s): agents would hold an expired policy before they ask for the next", s.ValidFor, s.Refresh))
	}
	if !(s.SuccessFraction > 0 && s.SuccessFraction <= 1) {
		bad("success_fraction", fmt.Errorf("%v is not above 0 and at most 1", s.SuccessFraction))
	}
	consent, err := report.ParseConsent(s.MaxConsent)
	bad("max_consent", err)
	p := &policy.Policy{Version: s.Version, Issued: now.Unix(), Expires: now.Add(s.ValidFor.Duration).Unix(), Disabled: s.Disabled,
		MaxConsent: consent, SuccessPPM: uint32(math.Round(s.SuccessFraction * report.FullPPM)), WindowMS: uint64(s.Window.Milliseconds()),
		ShortLived: s.ShortLived, SamplesPerWindow: s.Samples, RefreshSeconds: uint64(s.Refresh.Seconds()), BytesPerDay: s.BytesPerDay}
	if p.EarlyMS = uint64(s.Early.Milliseconds()); p.EarlyMS == 0 {
		p.EarlyMS = policy.NeverEarly
	}
	key, err := readKey(dir, s.SealKey, keyfile.ParseSealKey)
	bad("seal_key", err)
	if err == nil {
		p.SealKey = key.Bytes()
	}
	for i, name := range s.Signers {
		signer, err := readKey(dir, name, keyfile.ParsePublicKey)
		bad(fmt.Sprintf("signers[%d]", i), err)
		p.Signers = append(p.Signers, signer)
	}
	for i, c := range s.Collectors {
		receipt, err := readKey(dir, c.ReceiptKey, keyfile.ParsePublicKey)
		bad(fmt.Sprintf("collectors[%d].receipt_key", i), err)
		out := policy.Collector{ID: c.ID, URL: c.URL, Priority: c.Priority, Weight: c.Weight, Addresses: c.Addresses, ReceiptKey: receipt, Relay: c.Relay}
		for j, name := range c.ObliviousKeys {
			config, err := readKey(dir, name, keyfile.ParseObliviousConfig)
			bad(fmt.Sprintf("collectors[%d].oblivious_keys[%d]", i, j), err)
			out.ObliviousKeys = append(out.ObliviousKeys, config...)
		}
		for _, pin := range c.Pins {
			sum, err := base64.StdEncoding.DecodeString(pin)
			if err == nil && len(sum) != sha256.Size {
				err = fmt.Errorf("%q is not the base64 of a SHA-256", pin)
			}
			bad(fmt.Sprintf("collectors[%d].pins", i), err)
			out.Pins = append(out.Pins, sum)
		}
		p.Collectors = append(p.Collectors, out)
	}
	return p, errors.Join(errs...)
}

// SignPolicyFile signs the policy in source with the key in keyPath.
func SignPolicyFile(source, keyPath string, now time.Time) ([]byte, error) {
	p, err := ReadPolicySource(source, now)
	if err != nil {
		return nil, err
	}
	key, err := readKey("", keyPath, keyfile.ParseSigningKey)
	if err != nil {
		return nil, err
	}
	signed, err := policy.Sign(p, key)
	if err != nil {
		return nil, fmt.Errorf("signing %s: %w", source, err)
	}
	return signed, nil
}

// readKey reads a key file. A relative name is relative to dir.
func readKey[K any](dir, name string, parse func([]byte) (K, error)) (K, error) {
	var zero K
	if name == "" {
		return zero, errors.New("no key file is named")
	}
	if !filepath.IsAbs(name) {
		name = filepath.Join(dir, name)
	}
	text, err := readLimited(name, 64<<10)
	if err != nil {
		return zero, err
	}
	key, err := parse(text)
	if err != nil {
		return zero, fmt.Errorf("%s: %w", name, err)
	}
	return key, nil
}

// readLimited reads a regular file. It does not wait for a pipe that somebody has put in its place.
func readLimited(path string, limit int64) ([]byte, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, errors.Join(err, fmt.Errorf("%s is not a regular file", path))
	}
	b, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	if int64(len(b)) > limit {
		return nil, fmt.Errorf("%s is larger than %d bytes", path, limit)
	}
	return b, nil
}
