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

	"github.com/heliograph-net/heliograph/privacy/keyfile"
)

//go:embed relay.yaml
var relayTemplate []byte

// InitRelay makes a relay's directory with a new key (mode 0600), its public half for the
// collector, and relay.yaml. It never overwrites a file: if the directory has a configuration, the
// error wraps [fs.ErrExist]. If InitRelay fails, it removes what it has written.
func InitRelay(dir string) error {
	if _, err := os.Stat(filepath.Join(dir, RelayConfigName)); err == nil {
		return fmt.Errorf("%s has a %s already: %w", dir, RelayConfigName, fs.ErrExist)
	}
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return fmt.Errorf("making the relay's key: %w", err)
	}
	if err := os.MkdirAll(filepath.Join(dir, "keys"), 0o700); err != nil {
		return fmt.Errorf("making the directory: %w", err)
	}
	files := &newFiles{dir: dir}
	err = errors.Join(files.write("keys/relay.pem", keyfile.MarshalSigningKey(private), 0o600),
		files.write("keys/relay.pub.pem", keyfile.MarshalPublicKey(public), 0o644))
	if err == nil { // last, because a directory without one counts as unfinished
		err = files.write(RelayConfigName, relayTemplate, 0o644)
	}
	if err != nil {
		files.remove()
	}
	return err
}
