package oblivious

import (
	"bytes"
	"encoding/hex"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/heliograph-net/heliograph/agent"
	"github.com/heliograph-net/heliograph/internal/protocol"
	"github.com/heliograph-net/heliograph/privacy/keyfile"
	"github.com/heliograph-net/heliograph/privacy/ohttp"
	"github.com/heliograph-net/heliograph/report"
)

// What a client reports is in the store, once, from the client's network as its relay knows it, and
// the client holds a receipt. Its address is nowhere: not in what crosses between relay and
// collector, nor in what either of them keeps or writes down.
func TestReportsArriveWithoutTheirSendersAddress(t *testing.T) {
	s := newWorld(t).newSite("c1", "", "")
	c := s.newClient()
	c.mustFail(3)
	if stats := c.Stats(); stats.Delivered != 1 || stats.Pending != 0 {
		t.Errorf("%+v", stats)
	}
	if got := s.totals(3); got["AS64502 SE"] != 3 || len(got) != 1 {
		t.Errorf("by network: %v", got)
	}
	all := s.front.all()
	if len(all) == 0 {
		t.Fatal("nothing crossed between relay and collector")
	}
	secrets := []string{marked, hex.EncodeToString(net.ParseIP(marked).To4()), string(net.ParseIP(marked).To4()), "127.77.66"}
	grep := func(where string, b []byte, secrets ...string) {
		t.Helper()
		for _, secret := range secrets {
			if at := bytes.Index(b, []byte(secret)); at >= 0 {
				t.Errorf("%q is in %s: %q", secret, where, b[max(0, at-80):min(len(b), at+80)])
			}
		}
	}
	for _, x := range all {
		if x.from == marked || x.method != "POST" || x.path != protocol.PathOblivious {
			t.Errorf("%s %s from %s", x.method, x.path, x.from)
		}
		for name, values := range x.header {
			switch name {
			case "Content-Type", "Content-Length", "Authorization", "Accept-Encoding", protocol.HeaderNetwork:
				grep("header "+name, []byte(strings.Join(values, "\n")), secrets...)
			default:
				t.Errorf("header %s: %q", name, values)
			}
		}
		if got := x.header.Get(protocol.HeaderNetwork); got != "AS64502, SE" {
			t.Errorf("network %q", got)
		}
		grep("a request", x.body, append(secrets, "shop", "HGS")...)
		grep("an answer", x.answer, append(secrets, "HGR", "HGP")...)
	}
	grep("the collector's log", []byte(s.log.String()), secrets...)
	grep("the relay's log", []byte(s.relayLog.String()), secrets...)
	grep("the collector's metrics", []byte(s.metrics(s.node.OperationsAddr)), secrets[:2]...)
	relayMetrics := s.metrics(s.relay.OperationsAddr)
	grep("the relay's metrics", []byte(relayMetrics), secrets[:2]...)
	if !strings.Contains(relayMetrics, `heliograph_relay_requests_total{code="200",route="oblivious"}`) {
		t.Error("the relay counts nothing")
	}
	kept := files(t, s.data)
	if len(kept["inbox.db"]) == 0 || len(kept["store.db"]) == 0 {
		t.Fatal("no inbox and store to look at")
	}
	for name, b := range kept {
		if name != "networks.tsv" {
			grep(name, b, secrets[0], secrets[1])
		}
	}
	for name, b := range files(t, s.relayDir) {
		grep(name, b, secrets[0], secrets[1])
	}
}

// With the relay gone the agent turns to the next collector, through that one's relay, and not to
// the collector itself.
func TestRelayDown(t *testing.T) {
	w := newWorld(t)
	second := w.newSite("c2", "", "")
	first := w.newSite("c1", "", second.entry(2))
	c := first.newClient()
	if err := first.stopRelay(); err != nil {
		t.Fatal(err)
	}
	c.mustFail(3)
	if n := len(first.front.all()); n != 0 {
		t.Errorf("%d requests reached the first collector", n)
	}
	for line := range strings.Lines(first.metrics(first.node.OperationsAddr)) {
		if strings.HasPrefix(line, "heliograph_collector_requests_total{") && !strings.HasSuffix(line, " 0\n") {
			t.Errorf("the first collector was asked itself: %s", line)
		}
	}
	all := second.front.all()
	if len(all) == 0 || all[0].status != 200 {
		t.Fatalf("%d requests reached the second collector", len(all))
	}
	if !strings.Contains(second.metrics(second.node.OperationsAddr), `heliograph_collector_batches_total{collector="c2",decision="stored",reason="",source="agent"} 1`) {
		t.Error("the second collector has not stored it")
	}
	if stats := c.Stats(); stats.Delivered != 1 || stats.Attempts != 2 {
		t.Errorf("%+v", stats)
	}
}

// An answer that is lost on its way back makes the agent send the batch again, in a new
// encapsulation, and it is still there once.
func TestLostAnswer(t *testing.T) {
	s := newWorld(t).newSite("c1", "", "")
	c := s.newClient()
	s.front.lose.Store(true)
	if err := c.fail(3); err == nil {
		t.Fatal("delivered without an answer")
	}
	s.front.lose.Store(false)
	s.await("the delivery", func() bool { return c.fail(0) == nil })
	if got := s.totals(3); got["AS64502 SE"] != 3 || len(got) != 1 {
		t.Errorf("by network: %v", got)
	}
}

// Keys are replaced while agents deliver: with the old one held on to for a while, and at once.
func TestKeyRotation(t *testing.T) {
	s := newWorld(t).newSite("c1", "", "")
	c := s.newClient()
	c.mustFail(1)
	next, err := ohttp.GenerateKey(ohttp.MLKEM768X25519())
	if err != nil {
		t.Fatal(err)
	}
	if old := must(keyfile.ParseObliviousKey(must(os.ReadFile(filepath.Join(s.data, "keys/oblivious.pem")))(t)))(t); old.Bytes()[0] == next.Bytes()[0] {
		if next, err = ohttp.ParsePrivateKey(append([]byte{next.Bytes()[0] + 1}, next.Bytes()[1:]...)); err != nil {
			t.Fatal(err)
		}
	}
	for name, b := range map[string][]byte{"next.pem": keyfile.MarshalObliviousKey(next), "next.pub.pem": keyfile.MarshalObliviousConfig(next)} {
		if err := os.WriteFile(filepath.Join(s.data, "keys", name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s.keys("keys/oblivious.pem", "keys/next.pem, keys/oblivious.pem")
	c.mustFail(1) // by the policy's key
	before := len(s.front.all())
	s.keys("keys/next.pem, keys/oblivious.pem", "keys/next.pem")
	c.mustFail(1) // by the key that the relay passes on
	var refused, asked int
	for _, x := range s.front.all()[before:] {
		if x.status == 422 {
			refused++
		}
		if x.path == protocol.PathObliviousKeys && x.status == 200 {
			asked++
		}
	}
	if refused != 1 || asked != 1 {
		t.Errorf("%d refused, %d questions for keys", refused, asked)
	}
	s.policy(func(text string) string {
		return "version: 2\n" + strings.Replace(text, "oblivious.pub.pem", "next.pub.pem", 1)
	})
	fresh := s.newClient() // with the next policy
	before = len(s.front.all())
	fresh.mustFail(1)
	for _, x := range s.front.all()[before:] {
		if x.status != 200 {
			t.Errorf("%s: %d with the next policy", x.path, x.status)
		}
	}
	if got := s.totals(4); got["AS64502 SE"] != 4 {
		t.Errorf("by network: %v", got)
	}
}

// keys changes the collector's list of keys and has it reloaded.
func (s *site) keys(from, to string) {
	s.t.Helper()
	path := filepath.Join(s.data, "heliograph.yaml")
	text := string(must(os.ReadFile(path))(s.t))
	changed := strings.Replace(text, "oblivious_keys: ["+from+"]", "oblivious_keys: ["+to+"]", 1)
	if changed == text {
		s.t.Fatalf("no %q in %s", from, text)
	}
	if err := os.WriteFile(path, []byte(changed), 0o600); err != nil {
		s.t.Fatal(err)
	}
	s.reload()
}

// Whoever has captured what a relay sent, the relay itself or the collector's host, and sends it
// again, doubles nothing: not at once, and not when the collector has been restarted and remembers
// no request.
func TestCapturedRequestsDoubleNothing(t *testing.T) {
	s := newWorld(t).newSite("c1", "", "")
	c := s.newClient()
	c.mustFail(3)
	s.totals(3)
	captured := s.front.all()
	replay := func(want int) {
		t.Helper()
		for _, x := range captured {
			if x.path != protocol.PathOblivious {
				continue
			}
			if _, status, _, err := s.front.pass(x.method, x.path, x.header, x.body); err != nil || status != want {
				t.Errorf("sent again: %d, %v", status, err)
			}
		}
	}
	for range 3 {
		replay(409)
	}
	s.restart()
	replay(200) // an answer that only the client could open
	c.mustFail(1)
	if got := s.totals(4); got["AS64502 SE"] != 4 || len(got) != 1 {
		t.Errorf("by network: %v", got)
	}
}

// restart stops the collector and its detector and starts them again on the same files.
func (s *site) restart() {
	s.t.Helper()
	if err := s.stop(); err != nil {
		s.t.Fatal(err)
	}
	s.start()
}

// The kill switch reaches an agent through the relay.
func TestKillSwitch(t *testing.T) {
	s := newWorld(t).newSite("c1", "refresh: 1s\n", "")
	c := s.newClient()
	c.mustFail(1)
	s.policy(func(text string) string { return "version: 2\ndisabled: true\n" + text })
	s.await("the next policy", func() bool { _ = c.fail(0); return c.Stats().PolicyVersion == 2 })
	if c.Stats().Consent != report.Off {
		t.Errorf("%+v", c.Stats())
	}
	observed := c.Stats().Observed
	c.Observe(agent.Observation{Scheme: "https", Host: "shop.example", Outcome: report.TCPReset})
	if c.Stats().Observed != observed {
		t.Error("the agent still counts")
	}
	for _, x := range s.front.all() {
		if x.path != protocol.PathOblivious {
			t.Errorf("%s %s crossed in the clear", x.method, x.path)
		}
	}
}
