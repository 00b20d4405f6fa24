package nats

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/heliograph-net/heliograph/cmd/heliograph/doctor"
	"github.com/heliograph-net/heliograph/cmd/heliograph/roles"
	"github.com/heliograph-net/heliograph/collector/natsinbox"
	"github.com/heliograph-net/heliograph/internal/devca"
	"github.com/heliograph-net/heliograph/tests/freeport"
)

// found returns what a check of a configuration that connects says, a line a finding.
func found(t *testing.T, config string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "d")
	if err := roles.Init(dir, roles.InitOptions{Config: []byte(config)}); err != nil {
		t.Fatal(err)
	}
	c, err := roles.Load(filepath.Join(dir, roles.ConfigName))
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	for _, f := range c.Reach(t.Context(), roles.Roles{Collector: true, Detector: true}) {
		fmt.Fprintf(&text, "%s %s: %s\n", f.Severity, f.Subject[strings.LastIndex(f.Subject, " ")+1:], f.Text)
	}
	return text.String()
}

// says checks that findings have all of the texts, and as many faults as are wanted.
func says(t *testing.T, text string, faults int, want ...string) {
	t.Helper()
	for _, w := range want {
		if !strings.Contains(text, w) {
			t.Errorf("no %q in\n%s", w, text)
		}
	}
	if n := strings.Count(text, doctor.Bad.String()+" "); n != faults {
		t.Errorf("%d faults, want %d:\n%s", n, faults, text)
	}
}

// TestCheckOfAnInbox: what a check says of a collector's stream, before it is there and after, and
// of a hub's.
func TestCheckOfAnInbox(t *testing.T) {
	t.Parallel()
	hub, region := deployed(t)
	inbox := func(more string) string {
		return fmt.Sprintf("collector: {inbox: {kind: nats, servers: [%q], stream: c1, replicas: 1%s}}\n", region.url(), more)
	}
	monitored := fmt.Sprintf(", monitor: %q", region.monitorURL())
	says(t, found(t, inbox("")), 1, "ok collector.inbox.servers: "+region.url()+" is NATS", " eu\n", "is not known to be durable", "without monitor")
	says(t, found(t, inbox(", assume_durable: true")), 0, "warning collector.inbox.assume_durable: receipts may promise more")
	says(t, found(t, inbox(monitored)), 0, "stream c1 is not there; the collector makes it with 1 replicas")
	with := monitored + ", hub: {stream: hub-c1, domain: hub}"
	eventuallySays(t, inbox(with), 1, "stream hub-c1 of the hub: ", "stream not found")

	queue, err := natsinbox.Open(t.Context(), natsinbox.Options{Servers: []string{region.url()}, Stream: "c1", Replicas: 1, Monitor: region.monitorURL()})
	if err != nil {
		t.Fatal(err)
	}
	defer queue.Close()
	sourceFromRegion(t, hub, 64<<20)
	says(t, found(t, inbox(with)), 0, "stream c1 has 1 replicas and 0 of", "warning collector.inbox.hub: stream hub-c1 of the hub has 1 of 3 replicas")
	wrong := strings.Replace(inbox(with), "domain: hub", "domain: nowhere", 1)
	says(t, found(t, wrong), 1, "look at domain", "Batches are accepted, and held")

	feed := func(url, more string) string {
		return fmt.Sprintf("detector: {feeds: [{id: c1, nats: {servers: [%q], %s}}]}\n", url, more)
	}
	says(t, found(t, feed(hub.url(), "domain: hub, stream: hub-c1, source: c1")), 0, "ok detector.feeds[0].nats: stream hub-c1 has 0 batches of c1")
	says(t, found(t, feed(hub.url(), "domain: hub, stream: hub-c1, source: c2")), 1, "it does not source from c2")
	says(t, found(t, feed(hub.url(), "domain: hub, stream: hub-c9, source: c1")), 1, "stream hub-c9: ", "make it, or look at its name and domain")
	says(t, found(t, feed(region.url(), "source: c1, reader: d")), 0, "stream c1 has 0 batches")
}

// eventuallySays is like says for a state that servers reach by themselves: a leaf node that
// connects.
func eventuallySays(t *testing.T, config string, faults int, want ...string) {
	t.Helper()
	text := ""
	for begin := time.Now(); time.Since(begin) < patience; time.Sleep(100 * time.Millisecond) {
		if text = found(t, config); !strings.Contains(text, "look at domain") {
			break
		}
	}
	says(t, text, faults, want...)
}

// TestCheckOfAGroupAndALedger: members that are there are named, and so is what the ledger is.
func TestCheckOfAGroupAndALedger(t *testing.T) {
	t.Parallel()
	n := newNode(t, "alone", "127.0.0.1", `jetstream: {store_dir: STORE, sync_interval: always}
authorization: {users: [
	{user: d1, password: right}
	{user: other, password: right, permissions: {publish: {deny: "heliograph.group.>"}, subscribe: {deny: "heliograph.group.>"}}}
	{user: poor, password: right, permissions: {publish: {deny: "$JS.>"}}}
]}
`)
	n.startFor(t, "d1:right")
	as := func(user string) string { return strings.Replace(n.url(), "//", "//"+user+"@", 1) }
	group := func(user string) string {
		return fmt.Sprintf("detector: {group: {id: hub, member: d1, servers: [%q]}}\n", as(user))
	}
	ledger := func(user string) string {
		return fmt.Sprintf("alerts: {ledger: {member: d1, servers: [%q], replicas: 1}}\n", as(user))
	}
	says(t, found(t, group("d1:right")), 0, "no member of hub is there yet")
	says(t, found(t, group("other:right")), 1, "allow this user to publish and to subscribe to heliograph.group.hub.>")
	text := found(t, group("d1:wrong"))
	says(t, text, 1, "it refuses this user")
	if strings.Contains(text, "wrong") {
		t.Errorf("the password is shown: %s", text)
	}
	says(t, found(t, ledger("d1:right")), 0, "bucket heliograph-faults is not there; the first detector makes it with 1 replicas")
	says(t, found(t, ledger("poor:right")), 1, "this user may not ask it (permissions)")
	conn := n.connect(t, "d1:right")
	defer conn.Close()
	js, err := jetstream.New(conn)
	if err == nil {
		_, err = js.CreateKeyValue(t.Context(), jetstream.KeyValueConfig{Bucket: "heliograph-faults", Replicas: 1})
	}
	if err == nil {
		err = conn.Publish("heliograph.group.hub.alive.d2", []byte("{}")) // before anybody listens
	}
	if err != nil {
		t.Fatal(err)
	}
	says(t, found(t, ledger("d1:right")), 0, "bucket heliograph-faults has 1 replicas; faults of 0 targets are in it")
	stop := make(chan struct{})
	defer close(stop)
	go func() {
		for {
			_ = conn.Publish("heliograph.group.hub.alive.d2", []byte("{}"))
			select {
			case <-stop:
				return
			case <-time.After(50 * time.Millisecond):
			}
		}
	}()
	says(t, found(t, group("d1:right")), 0, "of hub, members are there: d2")
}

// TestCheckOfConnections: a connection that is not made is told of in plain words, one of several
// as a warning.
func TestCheckOfConnections(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	authority := func(name string) (ca *devca.CA, path string) {
		ca, err := devca.New(name)
		if err != nil {
			t.Fatal(err)
		}
		path = filepath.Join(dir, name+".pem")
		write(t, path, ca.PEM())
		return ca, path
	}
	ca, known := authority("known")
	_, other := authority("other")
	certified := func(name, host string, until time.Time, more string) *node {
		issued, err := ca.Issue(until, host)
		if err != nil {
			t.Fatal(err)
		}
		cert, key, err := devca.EncodePEM(issued)
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, name+".crt"), cert)
		write(t, filepath.Join(dir, name+".key"), key)
		n := newNode(t, name, "127.0.0.1", fmt.Sprintf("jetstream: {store_dir: STORE}\ntls: {cert_file: %q, key_file: %q, ca_file: %q%s}\n",
			filepath.Join(dir, name+".crt"), filepath.Join(dir, name+".key"), known, more))
		n.launch(t)
		n.listens(t)
		return n
	}
	soon := time.Now().Add(time.Hour)
	tls, elsewhere := certified("tls", "127.0.0.1", soon, ""), certified("elsewhere", "nats.example", soon, "")
	expired, strict := certified("expired", "127.0.0.1", time.Now().Add(-time.Hour), ""), certified("strict", "127.0.0.1", soon, ", verify: true")
	plain := alone(t, "always")
	nobody := fmt.Sprintf("nats://127.0.0.1:%d", freeport.On(t, "127.0.0.1"))
	group := func(more string, urls ...string) string {
		return fmt.Sprintf("detector: {group: {id: hub, member: d1, servers: [\"%s\"]%s}}\n", strings.Join(urls, `", "`), more)
	}
	trusting := func(path string) string { return fmt.Sprintf(", ca: %q", path) }
	for name, tt := range map[string]struct {
		config string
		faults int
		want   string
	}{
		"nobody":               {group("", nobody), 1, "nothing listens there"},
		"one of two":           {group("", nobody, plain.url()), 0, "warning detector.group.servers: " + nobody},
		"another protocol":     {group("", strings.Replace(plain.monitorURL(), "http", "nats", 1)), 1, "is it a NATS server"},
		"no authority":         {group("", tls.url()), 1, "name it in ca"},
		"another authority":    {group(trusting(other), tls.url()), 1, "not signed by an authority in ca"},
		"the authority":        {group(trusting(known), tls.url()), 0, "is NATS"},
		"another host":         {group(trusting(known), elsewhere.url()), 1, "for another name"},
		"expired":              {group(trusting(known), expired.url()), 1, "is not valid"},
		"asks for certificate": {group(trusting(known), strict.url()), 1, "asks for a certificate of this client"},
		"no TLS":               {group(trusting(known), strings.Replace(plain.url(), "nats:", "tls:", 1)), 1, "it has no TLS"},
		"no file":              {group(trusting(filepath.Join(dir, "none")), tls.url()), 0, ""}, // Check tells of it
	} {
		t.Run(name, func(t *testing.T) {
			says(t, found(t, tt.config), tt.faults, tt.want)
		})
	}
}

// TestCheckOfAServerThatIsSilent: what takes connections and says nothing is given up in time.
func TestCheckOfAServerThatIsSilent(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	says(t, found(t, fmt.Sprintf("alerts: {ledger: {member: d1, servers: [\"nats://%s\"]}}\n", l.Addr())), 1, "does not answer within 5s")
}

func write(t *testing.T, path string, text []byte) {
	t.Helper()
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
}
