package browser

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/net/websocket"
)

// firefox is a headless Firefox driven by WebDriver BiDi (W3C draft), which it speaks itself: no
// geckodriver is needed.
type firefox struct {
	t    *testing.T
	cmd  *exec.Cmd
	conn *websocket.Conn
	done chan struct{} // closed when the process has ended

	mu      sync.Mutex
	next    int                      // guarded by mu
	waiting map[int]chan bidiMessage // guarded by mu
	lost    error                    // guarded by mu; why nothing will come any more
}

// bidiMessage is an answer of the remote end.
type bidiMessage struct {
	ID      int             `json:"id"`
	Type    string          `json:"type"`
	Result  json.RawMessage `json:"result"`
	Error   string          `json:"error"`
	Message string          `json:"message"`
}

// firefoxPreferences keep a test's browser from asking anyone for anything: updates, settings,
// lists, captive portals.
const firefoxPreferences = `
user_pref("app.update.enabled", false);
user_pref("app.normandy.enabled", false);
user_pref("browser.safebrowsing.downloads.enabled", false);
user_pref("browser.safebrowsing.malware.enabled", false);
user_pref("browser.safebrowsing.phishing.enabled", false);
user_pref("browser.newtabpage.enabled", false);
user_pref("browser.startup.page", 0);
user_pref("browser.shell.checkDefaultBrowser", false);
user_pref("browser.region.network.url", "");
user_pref("datareporting.policy.dataSubmissionEnabled", false);
user_pref("datareporting.healthreport.uploadEnabled", false);
user_pref("dom.disable_open_during_load", false);
user_pref("extensions.update.enabled", false);
user_pref("extensions.getAddons.cache.enabled", false);
user_pref("extensions.systemAddon.update.enabled", false);
user_pref("network.captive-portal-service.enabled", false);
user_pref("network.connectivity-service.enabled", false);
user_pref("network.prefetch-next", false);
user_pref("services.settings.server", "data:,none");
user_pref("toolkit.telemetry.enabled", false);
user_pref("toolkit.telemetry.server", "data:,none");
user_pref("toolkit.shutdown.fastShutdownStage", 3);
`

// startFirefox starts a browser with a profile directory, which a second start finds as the first
// one left it, and more preferences.
func startFirefox(t *testing.T, profile string, preferences ...string) *firefox {
	t.Helper()
	path, err := exec.LookPath("firefox-esr")
	if err != nil {
		t.Fatalf("%v: run tests/setup.sh", err)
	}
	if err := os.MkdirAll(profile, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(profile, "user.js"), []byte(firefoxPreferences+strings.Join(preferences, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	// the WebSocket library always sends one, and Firefox takes none that it was not told of
	const origin = "http://127.0.0.1"
	f := &firefox{t: t, waiting: map[int]chan bidiMessage{}, done: make(chan struct{})}
	f.cmd = exec.Command(path, "--headless", "--no-remote", "--profile", profile, "--remote-debugging-port=0", "--remote-allow-origins="+origin, "about:blank")
	f.cmd.Env = append(os.Environ(), "HOME="+profile, "MOZ_CRASHREPORTER_DISABLE=1")
	f.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	out, err := f.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := f.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.Kill)
	address := f.address(out)
	if f.conn, err = websocket.Dial(address+"/session", "", origin); err != nil {
		t.Fatalf("connecting to Firefox: %v", err)
	}
	go f.read()
	f.call("session.new", map[string]any{"capabilities": map[string]any{}}, nil)
	return f
}

// address waits until Firefox says where it listens, and has the rest of its output read.
func (f *firefox) address(out io.Reader) string {
	f.t.Helper()
	found := make(chan string, 1)
	go func() { // ends with the process
		defer close(f.done)
		var said strings.Builder
		for lines := bufio.NewScanner(out); lines.Scan(); {
			if _, address, ok := strings.Cut(lines.Text(), "WebDriver BiDi listening on "); ok {
				found <- address
			}
			if said.Len() < 4096 {
				said.WriteString(lines.Text() + "\n")
			}
		}
		_ = f.cmd.Wait()
		select {
		case found <- "": // it ended before it listened
		default:
		}
	}()
	select {
	case address := <-found:
		if address != "" {
			return address
		}
		f.t.Fatal("Firefox ended before it listened")
	case <-time.After(patience):
		f.t.Fatal("Firefox does not listen")
	}
	return ""
}

// Kill ends the browser's processes at once, as a crash or the battery's end does.
func (f *firefox) Kill() {
	_ = syscall.Kill(-f.cmd.Process.Pid, syscall.SIGKILL) // the group is its own
	<-f.done
	if f.conn != nil {
		_ = f.conn.Close()
	}
}

// read hands out answers until the connection ends. Events are not subscribed to.
func (f *firefox) read() {
	for {
		var m bidiMessage
		err := websocket.JSON.Receive(f.conn, &m)
		f.mu.Lock()
		if err != nil {
			f.lost = fmt.Errorf("the connection to Firefox ended: %w", err)
			for id, c := range f.waiting {
				close(c)
				delete(f.waiting, id)
			}
			f.mu.Unlock()
			return
		}
		if c := f.waiting[m.ID]; c != nil {
			c <- m
			delete(f.waiting, m.ID)
		}
		f.mu.Unlock()
	}
}

// command sends a command and waits for its answer.
func (f *firefox) command(ctx context.Context, method string, params any) (json.RawMessage, error) {
	f.mu.Lock()
	if f.lost != nil {
		defer f.mu.Unlock()
		return nil, f.lost
	}
	f.next++
	id, answer := f.next, make(chan bidiMessage, 1)
	f.waiting[id] = answer
	err := websocket.JSON.Send(f.conn, map[string]any{"id": id, "method": method, "params": params})
	f.mu.Unlock()
	if err != nil {
		return nil, err
	}
	select {
	case m, ok := <-answer:
		switch {
		case !ok:
			return nil, errors.New("the connection ended before the answer")
		case m.Type != "success":
			return nil, fmt.Errorf("%s: %s", m.Error, m.Message)
		}
		return m.Result, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// call is command for a test: a failure ends it.
func (f *firefox) call(method string, params, result any) {
	f.t.Helper()
	ctx, cancel := context.WithTimeout(f.t.Context(), patience)
	defer cancel()
	raw, err := f.command(ctx, method, params)
	if err == nil && result != nil {
		err = json.Unmarshal(raw, result)
	}
	if err != nil {
		f.t.Fatalf("%s: %v", method, err)
	}
}

// open opens a URL in a new tab and returns its browsing context. userContext is a container
// ("default" is none).
func (f *firefox) open(url string) (tab string) {
	f.t.Helper()
	var created struct {
		Context string `json:"context"`
	}
	f.call("browsingContext.create", map[string]any{"type": "tab"}, &created)
	f.navigate(created.Context, url)
	f.ready(created.Context)
	return created.Context
}

// ready waits until the page's script has run.
func (f *firefox) ready(tab string) {
	f.t.Helper()
	await(f.t, "the page's script runs in Firefox", func() bool { return f.eval(tab, "document.title") == "ready" })
}

func (f *firefox) navigate(tab, url string) {
	f.t.Helper()
	f.call("browsingContext.navigate", map[string]any{"context": tab, "url": url, "wait": "complete"}, nil)
}

func (f *firefox) close(tab string) {
	f.t.Helper()
	f.call("browsingContext.close", map[string]any{"context": tab}, nil)
}

// eval evaluates an expression in a tab, waits for its promise, and returns the result as JSON
// decodes it.
func (f *firefox) eval(tab, format string, args ...any) (value any) {
	f.t.Helper()
	expression := fmt.Sprintf(format, args...)
	var outcome struct {
		Type   string `json:"type"`
		Result struct {
			Value string `json:"value"`
		} `json:"result"`
		ExceptionDetails struct {
			Text string `json:"text"`
		} `json:"exceptionDetails"`
	}
	f.call("script.evaluate", map[string]any{"target": map[string]any{"context": tab}, "awaitPromise": true, "resultOwnership": "none",
		"expression": "(async () => JSON.stringify((await (" + expression + ")) ?? null))()"}, &outcome)
	if outcome.Type != "success" {
		f.t.Fatalf("%s: %s", expression, outcome.ExceptionDetails.Text)
	}
	if err := json.Unmarshal([]byte(outcome.Result.Value), &value); err != nil {
		f.t.Fatalf("%s: %q: %v", expression, outcome.Result.Value, err)
	}
	return value
}
