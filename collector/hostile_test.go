package collector_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/collector"
	"github.com/heliograph-net/heliograph/collector/sqliteinbox"
	"github.com/heliograph-net/heliograph/internal/httpserve"
	"github.com/heliograph-net/heliograph/internal/lifecycle"
	"github.com/heliograph-net/heliograph/internal/protocol"
	"github.com/heliograph-net/heliograph/privacy/ohttp"
	"github.com/heliograph-net/heliograph/privacy/receipt"
)

// newServedRig is a rig on the listener that real collectors use, with its timeouts.
func newServedRig(t *testing.T, change func(*collector.Options, *sqliteinbox.Options)) *rig {
	t.Helper()
	r := newRig(t, change)
	s := must(httpserve.New(httpserve.Options{Name: "collector", Listen: "127.0.0.1:0", Handler: r.Handler(), WriteTimeout: -1, Grace: time.Millisecond,
		Logger: slog.New(slog.DiscardHandler)}))(t)
	stop := lifecycle.Background(s.Run)
	// cuts connections that are still open: they are part of the test
	t.Cleanup(func() { _ = stop() })
	r.url = "http://" + s.Addr()
	return r
}

// dial opens a connection that ends with the test and sends something.
func (r *rig) dial(send string) net.Conn {
	r.t.Helper()
	c := must(net.Dial("tcp", strings.TrimPrefix(r.url, "http://")))(r.t)
	r.t.Cleanup(func() { c.Close() })
	_, _ = io.WriteString(c, send) // a server that refuses may have closed it by now
	return c
}

// others uploads over a connection of its own and fails the test when it is not served.
func (r *rig) others(n uint32, when string) {
	r.t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 30 * time.Second}
	resp, err := client.Do(r.upload(batchID(n), bytes.NewReader(r.segment(n))))
	if err != nil {
		r.t.Fatalf("%s: others are not served: %v", when, err)
	}
	defer resp.Body.Close()
	s, err := receipt.Verify(r.receipts, must(io.ReadAll(resp.Body))(r.t))
	if err != nil || s.Decision != receipt.Stored {
		r.t.Errorf("%s: others get status %d, %+v, %v", when, resp.StatusCode, s, err)
	}
}

const uploadHead = "POST /v1/batches HTTP/1.1\r\nHost: c\r\nContent-Type: " + protocol.MediaTypeSegment + "\r\n"

func TestSlowlorisKeepsNobodyOut(t *testing.T) {
	r := newServedRig(t, nil)
	var heads, bodies []net.Conn
	for range 400 {
		heads = append(heads, r.dial("POST /v1/batches HTTP/1.1\r\nHost: c\r\nX-"))
		bodies = append(bodies, r.dial(uploadHead+"Content-Length: 2000\r\n\r\nHGS"))
	}
	r.await("slow bodies", func() bool { return r.metric("uploads_in_flight") == 400 })
	for n := range uint32(20) {
		for _, c := range heads {
			_, _ = io.WriteString(c, "a")
		}
		for _, c := range bodies {
			_, _ = io.WriteString(c, "b")
		}
		r.others(n+1, "while 800 connections send a byte at a time")
	}
}

// Nor do slow bodies and heads for the other endpoints, and what they hold counts as memory
// of bodies.
func TestSlowlorisOfOtherEndpoints(t *testing.T) {
	r := newServedRig(t, func(o *collector.Options, _ *sqliteinbox.Options) {
		o.Settings.ObliviousKeys = []*ohttp.PrivateKey{must(ohttp.GenerateKey(ohttp.X25519()))(t)}
	})
	var all []net.Conn
	for range 100 {
		for _, head := range []string{
			"POST /v1/reports HTTP/1.1\r\nHost: c\r\nContent-Type: application/reports+json\r\nContent-Length: 60000\r\n\r\n[{",
			"POST /v1/oblivious HTTP/1.1\r\nHost: c\r\nContent-Type: " + ohttp.MediaTypeRequest + "\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n",
			"POST /v1/policy HTTP/1.1\r\nHost: c\r\nContent-Length: 60000\r\n\r\nx",
			"GET /v1/feed?wait=30s HTTP/1.1\r\nHost: c\r\nAuthorization: ",
			"OPTIONS /v1/reports HTTP/1.1\r\nHost: c\r\nOrigin: ",
		} {
			all = append(all, r.dial(head))
		}
	}
	r.await("slow bodies", func() bool { return r.metric("uploads_in_flight") == 200 })
	if used := r.metric("body_bytes"); used < 200*8<<10 {
		t.Errorf("%v bytes are in use by 200 bodies", used)
	}
	for n := range uint32(10) {
		for _, c := range all {
			_, _ = io.WriteString(c, "a")
		}
		r.others(n+1, "while 500 connections are slow")
	}
}

// Clients of one network that hold every place they can get leave places for other networks.
func TestSlowNetworkLeavesPlacesToOthers(t *testing.T) {
	r := newServedRig(t, func(o *collector.Options, _ *sqliteinbox.Options) { trustLoopback(o); o.MaxUploads = 8 })
	for range 8 {
		r.dial(uploadHead + "X-Forwarded-For: 192.0.2.1\r\nContent-Length: 2000\r\n\r\nHGS")
	}
	r.await("six of them turned away", func() bool { return r.metric("shed_uploads_total", "network") == 6 })
	for n := range uint32(5) {
		a := r.do(behindProxy(r.upload(batchID(n+1), bytes.NewReader(r.segment(n+1))), "198.51.100.1"))
		if s := r.statement(a); s.Decision != receipt.Stored {
			t.Errorf("another network: %+v", s)
		}
	}
}

const (
	idleConnections = 10_000
	// where to open them: one process may not have files enough for both ends
	idleEnv = "HELIOGRAPH_TEST_IDLE"
)

func TestIdleConnectionsKeepNobodyOut(t *testing.T) {
	if addr := os.Getenv(idleEnv); addr != "" {
		holdConnections(t, addr)
		return
	}
	r := newServedRig(t, nil)
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$")
	cmd.Env = append(os.Environ(), idleEnv+"="+strings.TrimPrefix(r.url, "http://"))
	in, out := must(cmd.StdinPipe())(t), must(cmd.StdoutPipe())(t)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "open\n" {
		t.Fatalf("the other process says %q, %v", line, err)
	}
	for i := range uint32(10) {
		r.others(i+1, fmt.Sprintf("beside %d idle connections", idleConnections))
	}
	in.Close()
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
}

// holdConnections opens idle connections, says so, and keeps them until its standard input ends.
func holdConnections(t *testing.T, addr string) {
	var open []net.Conn
	for range idleConnections {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatalf("after %d connections: %v (a process needs RLIMIT_NOFILE of %d)", len(open), err, idleConnections+100)
		}
		open = append(open, c)
	}
	fmt.Println("open")
	_, _ = io.Copy(io.Discard, os.Stdin)
	for _, c := range open {
		if _, err := c.Write([]byte("x")); err != nil { // the server has not thrown it out
			t.Error(err)
		}
		c.Close()
	}
}

func TestHostileRequestsAreRefusedAndOthersServed(t *testing.T) {
	r := newServedRig(t, nil)
	random := make([]byte, 4096)
	for i := range random {
		random[i] = byte(rand.Uint32())
	}
	for n, c := range []struct {
		// again is sent until the connection is cut, or a megabyte has gone
		name, send, again string
		want              string // how the answer begins; "" for none
	}{
		{"an announced body that is too large", uploadHead + "Content-Length: 99999999\r\n\r\n", "", "HTTP/1.1 413 "},
		{"an endless body", uploadHead + "Transfer-Encoding: chunked\r\n\r\n", "400\r\n" + strings.Repeat("x", 1024) + "\r\n", "HTTP/1.1 413 "},
		{"a header flood", "POST /v1/batches HTTP/1.1\r\nHost: c\r\n", "X-Flood: " + strings.Repeat("y", 100) + "\r\n", "HTTP/1.1 431 "},
		{"one endless header", "POST /v1/batches HTTP/1.1\r\nHost: c\r\nX: ", strings.Repeat("y", 1000), "HTTP/1.1 431 "},
		{"an endless request line", "GET /", strings.Repeat("y", 1000), "HTTP/1.1 431 "},
		{"garbage", string(random) + "\r\n\r\n", "", "HTTP/1.1 400 "},
		{"a TLS handshake", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + strings.Repeat("\x00", 500) + "\r\n\r\n", "", "HTTP/1.1 400 "},
		{"two lengths", uploadHead + "Content-Length: 5\r\nContent-Length: 6\r\n\r\nHGS\x01\x00", "", "HTTP/1.1 400 "},
		{"a length that is none", uploadHead + "Content-Length: -5\r\n\r\n", "", "HTTP/1.1 400 "},
		{"a bad chunk", uploadHead + "Transfer-Encoding: chunked\r\n\r\nzz\r\n", "", "HTTP/1.1 400 "},
	} {
		conn := r.dial(c.send)
		var flood sync.WaitGroup
		if c.again != "" {
			flood.Go(func() {
				for sent := 0; sent < 1<<20; sent += len(c.again) {
					if _, err := io.WriteString(conn, c.again); err != nil {
						return
					}
				}
			})
		}
		line, _ := bufio.NewReader(conn).ReadString('\n')
		if !strings.HasPrefix(line, c.want) {
			t.Errorf("%s: answered %q, want %q", c.name, line, c.want)
		}
		conn.Close()
		flood.Wait()
		r.others(uint32(n)+1, "after "+c.name)
	}
	r.await("no upload in flight", func() bool { return r.metric("uploads_in_flight") == 0 && r.metric("body_bytes") == 0 })
}
