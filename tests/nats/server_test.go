// Package nats tests collector/natsinbox with real NATS servers, each a process of its own that can
// be killed.
package nats

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/heliograph-net/heliograph/tests/freeport"
)

// patience is how long a test waits for a state that servers reach by themselves.
const patience = 2 * time.Minute

// configVariable has the path of a configuration file in the processes that are servers.
const configVariable = "HELIOGRAPH_TEST_NATS_CONFIG"

// TestMain runs the tests, or a server if the process is one.
func TestMain(m *testing.M) {
	if path := os.Getenv(configVariable); path != "" {
		if err := serve(path); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

func serve(path string) error {
	o, err := server.ProcessConfigFile(path)
	if err != nil {
		return err
	}
	s, err := server.NewServer(o)
	if err != nil {
		return err
	}
	s.Start()
	s.WaitForShutdown()
	return nil
}

// node is one server.
type node struct {
	name, host    string
	port, monitor int
	config        string // path of its configuration file
	process       *exec.Cmd
}

// newNode writes the configuration of a server that listens on host: the part that all have, and
// more, in which STORE becomes its directory.
func newNode(t testing.TB, name, host, more string) *node {
	t.Helper()
	// a directory that is removed without an error if a server still writes to it
	dir, err := os.MkdirTemp("", "nats")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	n := &node{name: name, host: host, port: freeport.On(t, host), monitor: freeport.On(t, host), config: filepath.Join(dir, "nats.conf")}
	text := fmt.Sprintf("server_name: %s\nlisten: %s:%d\nhttp: %s:%d\nlog_file: %q\n%s", name, host, n.port, host, n.monitor, filepath.Join(dir, "log"), more)
	text = strings.Replace(text, "STORE", strconv.Quote(filepath.Join(dir, "js")), 1)
	if err := os.WriteFile(n.config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return n
}

// alone starts a server with a JetStream of its own that syncs every write, or at the default
// interval.
func alone(t testing.TB, interval string) *node {
	t.Helper()
	n := newNode(t, "alone", "127.0.0.1", "jetstream: {store_dir: STORE, sync_interval: "+interval+"}\n")
	n.start(t)
	return n
}

// start starts the server, and waits until it takes connections.
func (n *node) start(t testing.TB) {
	t.Helper()
	n.startFor(t, "")
}

// startFor is like start, for a server that a user and password open; "" is anybody.
func (n *node) startFor(t testing.TB, user string) {
	t.Helper()
	n.launch(t)
	n.connect(t, user).Close()
}

// launch starts the server.
func (n *node) launch(t testing.TB) {
	t.Helper()
	n.process = exec.Command(os.Args[0])
	n.process.Env = append(os.Environ(), configVariable+"="+n.config)
	n.process.Stderr = os.Stderr
	if err := n.process.Start(); err != nil {
		t.Fatal(err)
	}
	process := n.process
	t.Cleanup(func() { end(process) })
}

// connect waits until the server takes a connection of a user.
func (n *node) connect(t testing.TB, user string) *nats.Conn {
	t.Helper()
	url := n.url()
	if user != "" {
		url = strings.Replace(url, "//", "//"+user+"@", 1)
	}
	for begin := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		conn, err := nats.Connect(url)
		if err == nil {
			return conn
		}
		if time.Since(begin) > patience {
			t.Fatalf("server %s takes no connections: %v", n.name, err)
		}
	}
}

// listens waits until the server listens.
func (n *node) listens(t testing.TB) {
	t.Helper()
	for begin := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		conn, err := net.Dial("tcp", net.JoinHostPort(n.host, strconv.Itoa(n.port)))
		if err == nil {
			conn.Close()
			return
		}
		if time.Since(begin) > patience {
			t.Fatalf("server %s does not listen: %v", n.name, err)
		}
	}
}

// kill ends the server at once.
func (n *node) kill() {
	end(n.process)
	n.process = nil
}

func end(process *exec.Cmd) {
	_ = process.Process.Kill()
	_ = process.Wait()
}

func (n *node) url() string { return fmt.Sprintf("nats://%s:%d", n.host, n.port) }

func (n *node) monitorURL() string { return fmt.Sprintf("http://%s:%d", n.host, n.monitor) }
