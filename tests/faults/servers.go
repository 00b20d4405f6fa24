package faults

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/internal/devca"
)

// serve hands each connection to act, and closes it afterwards.
func serve(t testing.TB, act func(net.Conn)) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var (
		mu    sync.Mutex
		conns = make(map[net.Conn]struct{})
		ended sync.WaitGroup
	)
	ended.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			conns[c] = struct{}{}
			mu.Unlock()
			ended.Go(func() {
				act(c)
				_ = c.Close()
				mu.Lock()
				delete(conns, c)
				mu.Unlock()
			})
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		mu.Lock()
		for c := range conns {
			_ = c.Close()
		}
		mu.Unlock()
		ended.Wait()
	})
	return l.Addr().String()
}

// answer reads what comes first and answers with text. It reads what follows, so that closing does
// not reset the connection.
func answer(text string) func(net.Conn) {
	return func(c net.Conn) {
		if !readSome(c) {
			return
		}
		_, _ = io.WriteString(c, text)
		if half, ok := c.(interface{ CloseWrite() error }); ok {
			_ = half.CloseWrite()
		}
		_ = c.SetReadDeadline(time.Now().Add(patience))
		_, _ = io.Copy(io.Discard, c)
	}
}

// answerAndWait waits after its answer until the client gives up.
func answerAndWait(text string) func(net.Conn) {
	return func(c net.Conn) {
		if readSome(c) {
			_, _ = io.WriteString(c, text)
			_, _ = io.Copy(io.Discard, c)
		}
	}
}

// reset resets the connection after an answer. The pause lets the client read that before.
func reset(text string) func(net.Conn) {
	return func(c net.Conn) {
		if !readSome(c) {
			return
		}
		if text != "" {
			_, _ = io.WriteString(c, text)
			time.Sleep(200 * time.Millisecond)
		}
		_ = c.(*net.TCPConn).SetLinger(0)
	}
}

// alert answers the beginning of a handshake with a fatal alert (RFC 8446, section 6.2).
func alert(code byte) func(net.Conn) { return answer(string([]byte{21, 3, 3, 0, 2, 2, code})) }

func overTLS(config *tls.Config, act func(net.Conn)) func(net.Conn) {
	return func(c net.Conn) {
		secured := tls.Server(c, config)
		if secured.Handshake() == nil {
			act(secured)
			return
		}
		// the client's alert is read before the connection ends, so that it is not reset
		_ = c.SetReadDeadline(time.Now().Add(patience))
		_, _ = io.Copy(io.Discard, c)
	}
}

func readSome(c net.Conn) bool {
	n, _ := c.Read(make([]byte, 4096))
	return n > 0
}

// certificates are what servers show.
type certificates struct {
	file                                           string
	good, expired, other, unknown, selfSigned, old *tls.Config
}

func newCertificates(t testing.TB, known *devca.CA) (c certificates) {
	t.Helper()
	stranger, err := devca.New("Unknown")
	must(t, err)
	c.file = filepath.Join(t.TempDir(), "ca.pem")
	must(t, os.WriteFile(c.file, known.PEM(), 0o600))
	shows := func(ca *devca.CA, until time.Duration, host string) *tls.Config {
		cert, err := ca.Issue(time.Now().Add(until), host)
		must(t, err)
		return &tls.Config{Certificates: []tls.Certificate{cert}}
	}
	c.good = shows(known, time.Hour, "127.0.0.1")
	c.expired = shows(known, -time.Hour, "127.0.0.1")
	c.other = shows(known, time.Hour, "127.0.0.2")
	c.unknown = shows(stranger, time.Hour, "127.0.0.1")
	c.selfSigned = &tls.Config{Certificates: []tls.Certificate{selfSigned(t)}}
	c.old = c.good.Clone()
	c.old.MinVersion, c.old.MaxVersion = tls.VersionTLS10, tls.VersionTLS10
	return c
}

func selfSigned(t testing.TB) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Self"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	must(t, err)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
