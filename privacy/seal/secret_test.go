package seal

import (
	"bytes"
	"encoding/hex"
	"testing"
)

// The derivation must never change: members of a group may be of different releases.
func TestSecret(t *testing.T) {
	key := openKey(t, 1)
	ring := NewKeyring(key, openKey(t, 2))
	got := ring.Secret(key.SealKey().ID(), "test")
	const want = "ce58c88730c955b22dbaec8ff33c4dc7ca08a92c54cde8b7329b020919b483ce"
	if hex.EncodeToString(got) != want {
		t.Errorf("the secret is %x, want %s", got, want)
	}
	if bytes.Equal(got, ring.Secret(key.SealKey().ID(), "other")) || bytes.Equal(got, ring.Secret(openKey(t, 2).SealKey().ID(), "test")) {
		t.Error("another purpose, or another key, has the same secret")
	}
	if ring.Secret(KeyID{1}, "test") != nil {
		t.Error("a key that is not there has a secret")
	}
}
