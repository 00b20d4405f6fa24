// Package browser tests with a real headless Chromium.
package browser

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/heliograph-net/heliograph/internal/devca"
)

// chromium starts a headless browser with a home of its own that trusts ca, and more flags.
func chromium(t *testing.T, ca *devca.CA, flags ...chromedp.ExecAllocatorOption) context.Context {
	t.Helper()
	home := t.TempDir()
	if err := trust(home, ca); err != nil {
		t.Fatal(err)
	}
	ctx, stop, err := launch(t.Context(), home, flags...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	// not earlier: it would bound the browser's life instead
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// trust makes a home directory whose browser trusts ca.
func trust(home string, ca *devca.CA) error {
	db := filepath.Join(home, ".pki", "nssdb")
	authority := filepath.Join(home, "ca.pem")
	if err := os.MkdirAll(db, 0o700); err != nil {
		return err
	}
	if err := os.WriteFile(authority, ca.PEM(), 0o600); err != nil {
		return err
	}
	for _, args := range [][]string{{"-N", "--empty-password"}, {"-A", "-t", "C,,", "-n", "test", "-i", authority}} {
		if out, err := exec.Command("certutil", append([]string{"-d", "sql:" + db}, args...)...).CombinedOutput(); err != nil {
			return fmt.Errorf("certutil %v: %w: %s: run tests/setup.sh", args, err, out)
		}
	}
	return nil
}

// launch starts a headless browser whose profile is in home. A second start with the same home
// finds what the first one stored.
func launch(parent context.Context, home string, flags ...chromedp.ExecAllocatorOption) (ctx context.Context, stop func(), err error) {
	path, err := exec.LookPath("chromium")
	if err != nil {
		return nil, nil, fmt.Errorf("%w: run tests/setup.sh", err)
	}
	options := append([]chromedp.ExecAllocatorOption{
		chromedp.ExecPath(path), chromedp.Env("HOME=" + home), chromedp.UserDataDir(filepath.Join(home, "profile")),
		chromedp.NoSandbox, chromedp.NoFirstRun, chromedp.NoDefaultBrowserCheck, chromedp.DisableGPU,
		chromedp.Flag("headless", "new"), chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true), chromedp.Flag("disable-dev-shm-usage", true),
	}, flags...)
	ctx, cancelAllocator := chromedp.NewExecAllocator(parent, options...)
	ctx, cancelTab := chromedp.NewContext(ctx)
	stop = func() { cancelTab(); cancelAllocator() }
	if err := chromedp.Do(ctx); err != nil {
		stop()
		return nil, nil, fmt.Errorf("starting chromium: %w", err)
	}
	return ctx, stop, nil
}

func has(rows []map[string]any, outcome, column string) bool {
	for _, r := range rows {
		if n, _ := r[column].(float64); r["type"] == outcome && n > 0 {
			return true
		}
	}
	return false
}

func getJSON(t *testing.T, url string) (rows []map[string]any) {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(&rows); err != nil {
		t.Fatalf("%s: %s: %v", url, resp.Status, err)
	}
	return rows
}

// assertNowhere looks for a string in every file below dir.
func assertNowhere(t *testing.T, dir, needle string) {
	t.Helper()
	files := 0
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		files++
		b, err := os.ReadFile(path)
		if bytes.Contains(b, []byte(needle)) {
			t.Errorf("%q is in %s", needle, path)
		}
		return err
	})
	if err != nil || files < 5 {
		t.Errorf("looked at %d files below %s: %v", files, dir, err)
	}
}
