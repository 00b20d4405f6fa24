package bundle

import (
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/heliograph-net/heliograph/cmd/heliograph/roles"
	"github.com/heliograph-net/heliograph/privacy/keyfile"
	"github.com/heliograph-net/heliograph/privacy/policy"
)

// Operator is an operator's directory, which has all keys, policy.yaml and the signed policy. It
// stays with the operator. The methods make bundles. They first record a new host in the directory.
// They must not be called concurrently.
type Operator struct{ Dir string }

// Names of files in the operator's directory.
const (
	policySource = "policy.yaml"
	signedPolicy = "policy"
	policyKey    = "keys/policy.pem"
)

// ErrName says that a host's name is not valid.
var ErrName = errors.New("a name has 1 to 64 of the characters a-z 0-9 - . and begins with a letter or digit")

func checkName(name string) error {
	ok := name != "" && len(name) <= 64 && strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-.") == "" && name[0] != '-' && name[0] != '.'
	if !ok {
		return fmt.Errorf("%q: %w", name, ErrName)
	}
	return nil
}

func (o Operator) path(name string) string { return filepath.Join(o.Dir, filepath.FromSlash(name)) }

// read reads a file of the directory.
func (o Operator) read(name string) ([]byte, error) {
	b, err := os.ReadFile(o.path(name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w (is %s an operator's directory? heliograph init makes one)", err, o.Dir)
	}
	return b, err
}

// policy reads and checks policy.yaml.
func (o Operator) policy() (*policy.Policy, error) {
	if _, err := o.read(policySource); err != nil {
		return nil, err
	}
	return roles.ReadPolicySource(o.path(policySource), time.Now())
}

// noCollector is the error about a collector that policy.yaml does not have.
func (o Operator) noCollector(p *policy.Policy, name string) error {
	var ids []string
	for _, c := range p.Collectors {
		ids = append(ids, c.ID)
	}
	return fmt.Errorf("%q is not among the collectors of %s: %s", name, o.path(policySource), strings.Join(ids, ", "))
}

// origin checks a URL of the command line and returns it without a slash at its end.
func origin(text string) (string, error) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return "", fmt.Errorf("--url: %q is not a URL such as https://c2.example.net", text)
	}
	addr, err := netip.ParseAddr(u.Hostname())
	if local := u.Hostname() == "localhost" || err == nil && addr.IsLoopback(); u.Scheme == "http" && !local {
		return "", fmt.Errorf("--url: %s has to be https, because %s is not this machine: agents connect to nothing else", text, u.Hostname())
	}
	return strings.TrimSuffix(text, "/"), nil
}

// collectorOf returns the collector of policy.yaml with a name, or nil if there is none.
func collectorOf(p *policy.Policy, name string) *policy.Collector {
	for i := range p.Collectors {
		if p.Collectors[i].ID == name {
			return &p.Collectors[i]
		}
	}
	return nil
}

// signed returns the signed policy. If policy.yaml has another version than the signed one, it is
// signed first.
func (o Operator) signed() ([]byte, error) {
	p, err := o.policy()
	if err != nil {
		return nil, err
	}
	old, err := o.read(signedPolicy)
	if err == nil {
		if signer, err := policy.Signer(old); err == nil {
			if held, err := policy.Open(old, signer); err == nil && held.Version >= p.Version {
				return old, nil
			}
		}
	}
	next, err := roles.SignPolicyFile(o.path(policySource), o.path(policyKey), time.Now())
	if err != nil {
		return nil, err
	}
	return next, replace(o.path(signedPolicy), next, 0o644)
}

// receiptKey makes the receipt key of a new collector and returns the file name of the public key.
// It does not replace existing keys.
func (o Operator) receiptKey(name string) (public string, err error) {
	private := "keys/receipt-" + name + ".pem"
	public = "keys/receipt-" + name + ".pub.pem"
	if _, err := os.Stat(o.path(private)); err == nil {
		return public, nil
	}
	pub, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return "", fmt.Errorf("making the receipt key of %s: %w", name, err)
	}
	return public, errors.Join(create(o.path(private), keyfile.MarshalSigningKey(key), 0o600), create(o.path(public), keyfile.MarshalPublicKey(pub), 0o644))
}

// create writes a file that must not exist.
func create(name string, text []byte, mode fs.FileMode) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	return errors.Join(err, f.Sync(), f.Close())
}

// replace replaces a file atomically: a reader sees either the old bytes or the new ones.
func replace(name string, text []byte, mode fs.FileMode) error {
	f, err := os.CreateTemp(filepath.Dir(name), ".new-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // it is gone already if nothing failed
	_, err = f.Write(text)
	if err = errors.Join(err, f.Chmod(mode), f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}
