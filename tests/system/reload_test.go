package system

import (
	"crypto/ed25519"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/heliograph-net/heliograph/privacy/keyfile"
)

// hangup sends SIGHUP and waits until the log has another line with a text.
func (s *site) hangup(p *process, text string) {
	s.t.Helper()
	before := strings.Count(p.logs.String(), text)
	if err := p.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		s.t.Fatal(err)
	}
	s.eventually(fmt.Sprintf("%q in the log", text), func() error {
		select {
		case <-p.done:
			s.t.Fatalf("SIGHUP ended it: %s", p.logs)
		default:
		}
		if strings.Count(p.logs.String(), text) == before {
			return fmt.Errorf("the log: %s", p.logs)
		}
		return nil
	})
}

const notReloaded = `"reloading failed; what was loaded before stays in use"`

// hangupBroken replaces a file by one that is no configuration: the process says so and goes on
// with what it had.
func (s *site) hangupBroken(p *process, path string) {
	s.t.Helper()
	good, err := os.ReadFile(path)
	if err != nil {
		s.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("operations: {listn: x}\n"), 0o600); err != nil {
		s.t.Fatal(err)
	}
	s.hangup(p, notReloaded)
	if !strings.Contains(p.logs.String(), path+":1: operations.listn: unknown field") {
		s.t.Errorf("the log does not name the file and the line: %s", p.logs)
	}
	if err := os.WriteFile(path, good, 0o600); err != nil {
		s.t.Fatal(err)
	}
}

// newReceiptKey replaces the collector's receipt key.
func (s *site) newReceiptKey() {
	s.t.Helper()
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		s.t.Fatal(err)
	}
	s.write("keys/receipt.pem", string(keyfile.MarshalSigningKey(private)))
	s.write("keys/receipt.pub.pem", string(keyfile.MarshalPublicKey(public)))
}

func TestHangupReloadsCollector(t *testing.T) {
	s := newSite(t, "")
	p := s.start("collector", "--config", s.config())
	signed := func(when string) {
		t.Helper()
		if said := s.upload(); !strings.HasPrefix(said, "refused ") {
			t.Errorf("%s a receipt says %q", when, said)
		}
	}
	signed("at first")
	s.newReceiptKey()
	s.hangup(p, `"reloaded","what":"collector","policy_version":1,"receipt_key":"`)
	signed("with another key")
	s.hangupBroken(p, s.config())
	signed("after a broken configuration")
	s.write("keys/receipt.pem", "no key")
	s.hangup(p, notReloaded)
	signed("after a broken key")
	p.terminate()
}

// A detector that was started with a wrong address, and with a key that opens nothing, is put right
// without a restart.
func TestHangupReloadsDetector(t *testing.T) {
	s := newSite(t, "")
	s.start("collector", "--config", s.config())
	config := func(url string) string {
		return fmt.Sprintf("detector:\n  min_clients: 7\n  feeds: [{id: c1, url: %q}]\n", url)
	}
	d := s.second("detector.yaml", config("http://127.0.0.1:9"))
	p := d.start("detector", "--config", d.config())
	s.run("get", "--policy", s.policy(), "--spool", filepath.Join(t.TempDir(), "spool"), "--consent", "counts", refusedURL(t))
	d.hangupBroken(p, d.config())
	d.write("detector.yaml", d.listeners()+config("http://"+s.collector))
	d.hangup(p, `"reloaded","what":"detector","feeds":["c1"],"open_keys":["`)
	d.wantFailed("tcp.refused", 1)
	d.write("keys/open.pem", "no key")
	d.hangup(p, notReloaded)
	s.run("get", "--policy", s.policy(), "--spool", filepath.Join(t.TempDir(), "spool"), "--consent", "counts", refusedURL(t))
	d.wantFailed("tcp.refused", 2)
	d.write("detector.yaml", d.listeners()+"detector: {bin: 30s, feeds: [{id: c1, url: \"http://"+s.collector+"\"}]}\n")
	d.write("keys/open.pem", "")
	d.hangup(p, `"these settings have changed and take a restart","keys":["detector.bin"]`)
	p.terminate()
}

func TestHangupReloadsProber(t *testing.T) {
	targets := func(n int) string {
		text := "prober:\n  witnesses: [\"127.0.0.1:1\"]\n  targets:\n"
		for i := range n {
			text += fmt.Sprintf("    - {name: s%d, tcp: \"127.0.0.1:1\"}\n", i)
		}
		return text
	}
	s := newSite(t, "")
	s.write(filepath.Base(s.config()), s.listeners()+targets(3))
	p := s.start("prober", "--config", s.config())
	bytes := func(want int) {
		t.Helper()
		s.eventually(fmt.Sprintf("%d bytes of servers", want), func() error {
			bits, err := s.get("http://" + s.dashboard + "/api/v1/servers.bits")
			if err == nil && len(bits) != want {
				err = fmt.Errorf("%d bytes", len(bits))
			}
			return err
		})
	}
	bytes(1)
	s.hangupBroken(p, s.config())
	bytes(1)
	s.write(filepath.Base(s.config()), s.listeners()+targets(20))
	s.hangup(p, `"reloaded","what":"prober","targets":20,"witnesses":1`)
	bytes(3)
	p.terminate()
}

// A log that something else has moved away goes on in a new file.
func TestHangupReopensTheLog(t *testing.T) {
	s := newSite(t, "")
	log := filepath.Join(t.TempDir(), "log")
	p := s.start("--log-file", log, "up", "--data", s.dir)
	if err := os.Rename(log, log+".moved"); err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	s.eventually("a new log", func() error {
		text, err := os.ReadFile(log)
		for _, what := range []string{"log", "collector", "detector", "prober", "dashboard"} {
			if err == nil && !strings.Contains(string(text), `"reloaded","what":"`+what+`"`) {
				err = fmt.Errorf("%s was not reloaded: %s", what, text)
			}
		}
		return err
	})
	p.terminate()
}

func TestHangupReloadsRelay(t *testing.T) {
	s := newSite(t, "")
	dir := filepath.Join(t.TempDir(), "relay")
	if _, stderr, code := s.run("init", "--relay", dir); code != 0 {
		t.Fatal(stderr)
	}
	config := s.relayConfig(dir)
	p := s.startUntil("/health/live", "relay", "--config", config)
	text, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(config, append(text, "collector: c7\n"...), 0o600); err != nil {
		t.Fatal(err)
	}
	s.hangup(p, `"collector":"c7"`)
	s.hangupBroken(p, config)
	p.terminate()
}
