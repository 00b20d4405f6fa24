package certs

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heliograph-net/heliograph/internal/devca"
)

// writePair writes a new certificate for host.
func writePair(t *testing.T, authority *devca.CA, dir, host string) (cert, key string) {
	t.Helper()
	c, err := authority.Issue(time.Now().Add(time.Hour), host)
	if err != nil {
		t.Fatal(err)
	}
	certPEM, keyPEM, err := devca.EncodePEM(c)
	if err != nil {
		t.Fatal(err)
	}
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for name, text := range map[string][]byte{cert: certPEM, key: keyPEM} {
		if err := os.WriteFile(name, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}

func subject(t *testing.T, c *tls.Certificate) string {
	t.Helper()
	leaf, err := x509.ParseCertificate(c.Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	return leaf.Subject.CommonName
}

func TestFilesAreReadAgainWhenTheyChange(t *testing.T) {
	authority, err := devca.New("Reload test authority")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cert, key := writePair(t, authority, dir, "first.test")
	told := 0
	f := &files{cert: cert, key: key, failed: func(error) { told++ }}
	if err := f.load(); err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	if got := subject(t, f.get(now)); got != "first.test" {
		t.Fatalf("at first %s", got)
	}
	// Only one of the two is replaced so far: nothing breaks, and it is told once.
	if err := os.WriteFile(key, []byte("half a key"), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		now = now.Add(checkEvery)
		if got := subject(t, f.get(now)); got != "first.test" || told != 1 {
			t.Errorf("with a broken key %s, told %d times; want the certificate before, told once", got, told)
		}
	}
	writePair(t, authority, dir, "the-second-one.test")
	if got := subject(t, f.get(now.Add(checkEvery/2))); got != "first.test" {
		t.Errorf("looked again within %v", checkEvery)
	}
	if got := subject(t, f.get(now.Add(checkEvery))); got != "the-second-one.test" {
		t.Errorf("after the change %s", got)
	}
	if err := os.Remove(cert); err != nil {
		t.Fatal(err)
	}
	if got := subject(t, f.get(now.Add(3*checkEvery))); got != "the-second-one.test" {
		t.Errorf("without the file %s", got)
	}
}

func TestFilesThatDoNotFitAreAnError(t *testing.T) {
	if _, err := Files("/nowhere/cert.pem", "/nowhere/key.pem", nil); !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), "/nowhere/cert.pem") {
		t.Errorf("err = %v", err)
	}
}

func TestWatchTellsWhyThereIsNoCertificateAndTriesAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		authority, err := devca.New("Watch test authority")
		if err != nil {
			t.Fatal(err)
		}
		until := time.Now().Add(24 * time.Hour).Truncate(time.Second)
		issued, err := authority.Issue(until, "collect.test")
		if err != nil {
			t.Fatal(err)
		}
		start, tries := time.Now(), 0
		conf := &tls.Config{GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
			if tries++; tries == 1 || hello.ServerName != "collect.test" {
				return nil, errors.New("the authority is away")
			}
			return &issued, nil
		}}
		type told struct {
			after   time.Duration
			expires time.Time
			failed  bool
		}
		var all []told
		ctx, cancel := context.WithCancel(t.Context())
		Watch(ctx, conf, "collect.test", func(expires time.Time, err error) {
			if all = append(all, told{time.Since(start), expires.UTC(), err != nil}); len(all) == 3 {
				cancel()
			}
		})
		want := []told{{0, time.Time{}, true}, {watchRetry, until.UTC(), false}, {watchRetry + watchEvery, until.UTC(), false}}
		if !reflect.DeepEqual(all, want) {
			t.Errorf("told %v, want %v", all, want)
		}
	})
}
