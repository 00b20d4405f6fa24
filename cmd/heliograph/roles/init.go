package roles

import (
	"crypto/ed25519"
	"crypto/rand"
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/heliograph-net/heliograph/privacy/keyfile"
	"github.com/heliograph-net/heliograph/privacy/ohttp"
	"github.com/heliograph-net/heliograph/privacy/seal"
)

//go:embed heliograph.yaml
var configTemplate []byte

//go:embed policy.yaml
var policyTemplate []byte

// InitOptions says what [Init] writes into a new data directory. The zero value means the
// commented defaults.
type InitOptions struct {
	Config []byte // heliograph.yaml; nil means the defaults with comments
	Policy []byte // policy.yaml; nil means one collector on loopback, with comments
}

// Init makes a data directory with new keys (mode 0600), policy.yaml, the policy signed from it,
// and heliograph.yaml. It never overwrites a file: if the directory has a configuration, the error
// wraps [fs.ErrExist]. If Init fails, it removes what it has written.
func Init(dir string, o InitOptions) (err error) {
	if _, err := os.Stat(filepath.Join(dir, ConfigName)); err == nil {
		return fmt.Errorf("%s has a %s already: %w", dir, ConfigName, fs.ErrExist)
	}
	if err := os.MkdirAll(filepath.Join(dir, "keys"), 0o700); err != nil {
		return fmt.Errorf("making the data directory: %w", err)
	}
	files := &newFiles{dir: dir}
	defer func() {
		if err != nil {
			files.remove()
		}
	}()
	write := files.write
	if err := writeKeys(write); err != nil {
		return err
	}
	if o.Config == nil {
		o.Config = configTemplate
	}
	if o.Policy == nil {
		o.Policy = policyTemplate
	}
	if err := write("policy.yaml", o.Policy, 0o644); err != nil {
		return err
	}
	signed, err := SignPolicyFile(filepath.Join(dir, "policy.yaml"), filepath.Join(dir, "keys/policy.pem"), time.Now())
	if err != nil {
		return err
	}
	if err := write("policy", signed, 0o644); err != nil {
		return err
	}
	// The configuration comes last, because a directory without one counts as unfinished.
	return write(ConfigName, o.Config, 0o644)
}

// newFiles are new files in a directory.
type newFiles struct {
	dir     string
	written []string
}

// write creates a file, which must not exist.
func (n *newFiles) write(name string, text []byte, mode fs.FileMode) error {
	name = filepath.Join(n.dir, name)
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return fmt.Errorf("making the directory: %w", err)
	}
	n.written = append(n.written, name)
	_, err = f.Write(text)
	return errors.Join(err, f.Close())
}

// remove removes the files that were written.
func (n *newFiles) remove() {
	for _, name := range n.written {
		_ = os.Remove(name)
	}
}

// writeKeys makes the five key pairs: policy (signs policies), receipt (signs the collector's
// receipts), feed (signs the detector's requests), oblivious (opens requests through relays), and
// open (opens reports).
func writeKeys(write func(name string, text []byte, mode fs.FileMode) error) error {
	for _, name := range []string{"policy", "receipt", "feed"} {
		public, private, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			return fmt.Errorf("making the %s key: %w", name, err)
		}
		if err := write("keys/"+name+".pem", keyfile.MarshalSigningKey(private), 0o600); err != nil {
			return err
		}
		if err := write("keys/"+name+".pub.pem", keyfile.MarshalPublicKey(public), 0o644); err != nil {
			return err
		}
	}
	oblivious, err := ohttp.GenerateKey(ohttp.MLKEM768X25519())
	if err != nil {
		return fmt.Errorf("making the key of Oblivious HTTP: %w", err)
	}
	if err := write("keys/oblivious.pem", keyfile.MarshalObliviousKey(oblivious), 0o600); err != nil {
		return err
	}
	if err := write("keys/oblivious.pub.pem", keyfile.MarshalObliviousConfig(oblivious), 0o644); err != nil {
		return err
	}
	open, err := seal.GenerateOpenKey()
	if err != nil {
		return fmt.Errorf("making the key that opens reports: %w", err)
	}
	if err := write("keys/open.pem", keyfile.MarshalOpenKey(open), 0o600); err != nil {
		return err
	}
	return write("keys/seal.pem", keyfile.MarshalSealKey(open.SealKey()), 0o644)
}
