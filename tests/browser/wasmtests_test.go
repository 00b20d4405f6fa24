package browser

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/storage"
	"github.com/chromedp/chromedp"

	"github.com/heliograph-net/heliograph/internal/devca"
	"github.com/heliograph-net/heliograph/tests/source"
)

// testScript runs the test binary /tests.wasm in a worker, and says what it printed.
const testScript = `importScripts("/wasm_exec.js");
const decoder = new TextDecoder();
let printed = "", code = -1;
fs.writeSync = (fd, b) => { printed += decoder.decode(b, {stream: true}); return b.length; };
onmessage = async (e) => {
  const go = new Go();
  go.argv = ["tests", ...e.data.args];
  go.env = e.data.env || {};
  go.exit = (c) => { code = c; };
  try {
    const {instance} = await WebAssembly.instantiateStreaming(fetch("/tests.wasm"), go.importObject);
    await go.run(instance);
  } catch (error) { printed += "\n" + error; }
  postMessage({t: "tests", code, printed});
};
`

// testBinary compiles a package's tests for browsers.
func testBinary(t *testing.T, pkg string) []byte {
	t.Helper()
	readForBrowsers(t)
	out := filepath.Join(t.TempDir(), "tests.wasm")
	cmd := exec.CommandContext(t.Context(), "go", "test", "-c", "-ldflags=-s -w", "-o", out, pkg)
	cmd.Dir = source.Root
	cmd.Env = append(os.Environ(), "GOOS=js", "GOARCH=wasm", "CGO_ENABLED=0", "GOFLAGS=")
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("compiling the tests of %s: %v\n%s", pkg, err, text)
	}
	b, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// runInWorker runs a package's own tests in a worker of a page at https://shop.test.
func runInWorker(t *testing.T, ca *devca.CA, pkg string, env map[string]string, before func(ctx context.Context, origin string) error, args ...string) {
	t.Helper()
	binary := testBinary(t, pkg)
	base := workerSite(t, ca, nil, map[string]http.HandlerFunc{
		"/tests.js": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/javascript")
			_, _ = w.Write([]byte(testScript))
		},
		"/tests.wasm": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/wasm")
			_, _ = w.Write(binary)
		},
	})
	ctx := patient(t, ca)
	visit(t, ctx, base+"/")
	if before != nil {
		if err := before(ctx, base); err != nil {
			t.Fatal(err)
		}
	}
	message, err := json.Marshal(map[string]any{"args": append([]string{"-test.v", "-test.timeout=300s"}, args...), "env": env})
	if err != nil {
		t.Fatal(err)
	}
	result := script[struct {
		Code    int
		Printed string
	}](t, ctx, `
const w = new Worker("/tests.js");
return await new Promise((done) => {
  w.onmessage = (e) => done(e.data);
  w.postMessage(`+string(message)+`);
});`)
	switch {
	case result.Code != 0 || !strings.HasSuffix(strings.TrimSpace(result.Printed), "PASS"):
		t.Errorf("%s in the browser: status %d\n%s", pkg, result.Code, result.Printed)
	case strings.Contains(result.Printed, "--- SKIP"), strings.Contains(result.Printed, "no tests to run"), !strings.Contains(result.Printed, "--- PASS"):
		t.Errorf("%s in the browser: not all tests ran\n%s", pkg, result.Printed)
	default:
		t.Logf("%d tests passed", strings.Count(result.Printed, "--- PASS"))
	}
}

func authority(t *testing.T) *devca.CA {
	t.Helper()
	ca, err := devca.New("Test authority")
	if err != nil {
		t.Fatal(err)
	}
	return ca
}

// TestJavaScriptValues runs the tests of the package that waits for promises.
func TestJavaScriptValues(t *testing.T) {
	runInWorker(t, authority(t), "./wasm/internal/jsx", nil, nil)
}

// TestSpool runs the tests of the spool, its rules among them, on the browser's IndexedDB.
func TestSpool(t *testing.T) { runInWorker(t, authority(t), "./wasm/internal/idbspool", nil, nil) }

// TestSpoolWithinAQuota gives the origin 1 MB.
func TestSpoolWithinAQuota(t *testing.T) {
	runInWorker(t, authority(t), "./wasm/internal/idbspool", map[string]string{"QUOTA": "1"}, func(ctx context.Context, origin string) error {
		_, err := chromedp.Call(ctx, storage.OverrideQuotaForOrigin, storage.OverrideQuotaForOriginParams{Origin: origin, QuotaSize: new(1e6)})
		return err
	}, "-test.run", "TestQuotaOfTheBrowser")
}
