package demo

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"time"

	"github.com/heliograph-net/heliograph/cmd/heliograph/roles"
	"github.com/heliograph-net/heliograph/internal/devca"
)

// collectorProcess is a collector in a process of its own, so that it can be killed.
type collectorProcess struct {
	id, dir     string
	Addr        string // host:port
	ops         string // host:port of its operations listener
	executable  string
	mu          sync.Mutex
	cmd         *exec.Cmd      // guarded by mu; nil: not running
	keepRunning io.WriteCloser // guarded by mu; the child ends when this closes
	done        chan struct{}  // guarded by mu; closed when the child has ended
}

// newCollector makes the data directory of a collector, as "init" does. The collector gets its
// policy later, from mainDir.
func newCollector(id, host, dir, mainDir, executable string, ca *devca.CA) (*collectorProcess, error) {
	c := &collectorProcess{id: id, dir: dir, executable: executable}
	for _, addr := range []*string{&c.Addr, &c.ops} {
		free, err := freeAddr(host)
		if err != nil {
			return nil, err
		}
		*addr = free
	}
	config := fmt.Sprintf(`networks: %[1]s/networks.tsv
collector:
  id: %[2]s
  listen: %[3]s
  tls_cert: cert.pem
  tls_key: key.pem
  policy: %[1]s/policy
  feed_keys: [%[1]s/keys/feed.pub.pem]
operations:
  listen: %[4]s
`, mainDir, id, c.Addr, c.ops)
	if err := roles.Init(dir, roles.InitOptions{Config: []byte(config)}); err != nil {
		return nil, err
	}
	cert, err := ca.Issue(time.Now().Add(23*time.Hour), host)
	if err != nil {
		return nil, err
	}
	certPEM, keyPEM, err := devca.EncodePEM(cert)
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(dir, "cert.pem"), certPEM, 0o644); err != nil {
		return nil, err
	}
	return c, os.WriteFile(filepath.Join(dir, "key.pem"), keyPEM, 0o600)
}

// Start runs the process and waits until it is ready.
func (c *collectorProcess) Start(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	cmd := exec.Command(c.executable, "--log-level=error", "collector", "--config", filepath.Join(c.dir, roles.ConfigName), "--until-eof")
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("starting collector %s: %w", c.id, err)
	}
	done := make(chan struct{})
	go func() { _ = cmd.Wait(); close(done) }()
	c.cmd, c.keepRunning, c.done = cmd, stdin, done
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	for !c.ready(ctx) {
		select {
		case <-done:
			return fmt.Errorf("collector %s ended at once: %v", c.id, cmd.ProcessState)
		case <-ctx.Done():
			return fmt.Errorf("collector %s does not become ready: %w", c.id, ctx.Err())
		case <-time.After(30 * time.Millisecond):
		}
	}
	return nil
}

func (c *collectorProcess) ready(ctx context.Context) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+c.ops+"/health/ready", nil)
	if err != nil {
		return false
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

// Kill ends the process with SIGKILL.
func (c *collectorProcess) Kill() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cmd == nil {
		return nil
	}
	err := c.cmd.Process.Kill()
	<-c.done
	_ = c.keepRunning.Close()
	c.cmd = nil
	return err
}

// Stop ends the process gracefully.
func (c *collectorProcess) Stop(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cmd == nil {
		return nil
	}
	_ = c.keepRunning.Close()
	c.cmd = nil
	select {
	case <-c.done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("collector %s does not stop: %w", c.id, ctx.Err())
	}
}

// freeAddr finds a port that is free now. If another process takes it before it is used,
// Start fails.
func freeAddr(host string) (string, error) {
	ln, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		return "", fmt.Errorf("%w (the demo needs all of 127.0.0.0/8, which Linux has; elsewhere add %s to the loopback interface)", err, host)
	}
	return ln.Addr().String(), ln.Close()
}
