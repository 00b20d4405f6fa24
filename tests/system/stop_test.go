package system

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/cmd/heliograph/roles"
	"github.com/heliograph-net/heliograph/internal/protocol"
	"github.com/heliograph-net/heliograph/privacy/keyfile"
	"github.com/heliograph-net/heliograph/privacy/receipt"
)

// stopTime bounds the clean end of every process.
const stopTime = 5 * time.Second

// relayConfig is the configuration of a relay before the site's collector, made from a directory as
// `init --relay` leaves it. Its operations listener is the site's.
func (s *site) relayConfig(dir string) string {
	s.t.Helper()
	path := filepath.Join(dir, roles.RelayConfigName)
	text := fmt.Sprintf("listen: 127.0.0.1:0\ngateway: http://%s\noperations: {listen: %q}\n", s.collector, s.oper)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
	return path
}

// second is another process on the site's data directory, with listeners and files of its own.
func (s *site) second(name, config string) *site {
	s.t.Helper()
	other := newSite(s.t, "")
	other.dir, other.file = s.dir, name
	s.write(name, other.listeners()+config)
	return other
}

// listeners is what a configuration says of them.
func (s *site) listeners() string {
	return fmt.Sprintf("dashboard: {listen: %q, least_clients: 1}\noperations: {listen: %q}\n", s.dashboard, s.oper)
}

func (s *site) write(name, text string) {
	s.t.Helper()
	if err := os.WriteFile(filepath.Join(s.dir, name), []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

// terminate asks the process to end, which it has to do in time and with exit code 0.
func (p *process) terminate() {
	p.t.Helper()
	began := time.Now()
	p.stop()
	if took := time.Since(began); took > stopTime {
		p.t.Errorf("took %v to end", took)
	}
}

// A collector whose detector polls tells agents to come later, signed, while it drains.
func TestCollectorStopsWhileDetectorPollsAndAgentsUpload(t *testing.T) {
	s := newSite(t, "")
	collector := s.start("collector", "--config", s.config())
	d := s.second("detector.yaml", fmt.Sprintf("detector:\n  feeds: [{id: c1, url: \"http://%s\"}]\n", s.collector))
	detector := d.start("detector", "--config", d.config())
	s.run("get", "--policy", s.policy(), "--spool", filepath.Join(t.TempDir(), "spool"), "--consent", "counts", refusedURL(t))
	d.wantFailed("tcp.refused", 1) // the detector has read the feed, and waits for more

	told := make(chan []string)
	go func() { told <- s.uploadUntil(collector.done) }()
	time.Sleep(100 * time.Millisecond) // some uploads before
	collector.terminate()
	answers := <-told
	if !slices.Contains(answers, "slow_down unavailable") {
		t.Errorf("no agent was told to come later: %v", answers)
	}
	for _, a := range answers {
		if !strings.HasPrefix(a, "refused ") && a != "slow_down unavailable" && a != "nobody" {
			t.Errorf("an agent was answered %q", a)
		}
	}
	detector.terminate()
}

// uploadUntil uploads, again and again, until done, and returns the kinds of answers.
func (s *site) uploadUntil(done <-chan struct{}) (answers []string) {
	for {
		select {
		case <-done:
			return answers
		case <-time.After(20 * time.Millisecond):
		}
		if a := s.upload(); !slices.Contains(answers, a) {
			answers = append(answers, a)
		}
	}
}

// upload sends what is no segment, which the collector refuses while it runs, over a connection of
// its own, and returns what its receipt says.
func (s *site) upload() string {
	key, err := os.ReadFile(filepath.Join(s.dir, "keys/receipt.pub.pem"))
	if err != nil {
		return err.Error()
	}
	public, err := keyfile.ParsePublicKey(key)
	if err != nil {
		return err.Error()
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 5 * time.Second}
	resp, err := client.Post("http://"+s.collector+protocol.PathBatches, protocol.MediaTypeSegment, bytes.NewReader([]byte("no segment")))
	if err != nil {
		return "nobody"
	}
	defer resp.Body.Close()
	signed, err := io.ReadAll(resp.Body)
	if err != nil {
		return err.Error()
	}
	said, err := receipt.Verify(public, signed)
	if err != nil {
		return err.Error()
	}
	return said.Decision.String() + " " + said.Reason
}

// Health is there to the last: while a process drains it says so.
func TestUpStops(t *testing.T) {
	s := newSite(t, "")
	up := s.start("up", "--data", s.dir)
	stream, err := http.Get("http://" + s.dashboard + "/api/v1/stream")
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Body.Close()
	stopping := make(chan error, 1)
	go func() {
		for {
			select {
			case <-up.done:
				stopping <- fmt.Errorf("it ended without a word")
				return
			case <-time.After(10 * time.Millisecond):
			}
			if _, err := s.get("http://" + s.oper + "/health/ready"); err != nil && strings.Contains(err.Error(), "is stopping") {
				stopping <- nil
				return
			}
		}
	}()
	up.terminate()
	if err := <-stopping; err != nil {
		t.Errorf("readiness: %v", err)
	}
}

func TestSecondSignalEndsAtOnce(t *testing.T) {
	s := newSite(t, "")
	up := s.start("up", "--data", s.dir)
	_ = up.cmd.Process.Signal(syscall.SIGTERM)
	s.eventually("the first signal to be heard", func() error {
		if !strings.Contains(up.logs.String(), `"stopping"`) {
			return fmt.Errorf("log: %s", up.logs)
		}
		return nil
	})
	_ = up.cmd.Process.Signal(syscall.SIGTERM)
	<-up.done
	if state, ok := up.cmd.ProcessState.Sys().(syscall.WaitStatus); !ok || state.Signal() != syscall.SIGTERM {
		t.Errorf("%v: want the signal to have ended it", up.cmd.ProcessState)
	}
}
