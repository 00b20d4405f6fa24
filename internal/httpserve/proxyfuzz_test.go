package httpserve

import (
	"bytes"
	"io"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/internal/netaddr"
)

// bytesConn is a connection from a listed proxy that sends some bytes and then ends.
type bytesConn struct {
	net.Conn
	*bytes.Reader
}

func (c bytesConn) Read(b []byte) (int, error)       { return c.Reader.Read(b) }
func (c bytesConn) RemoteAddr() net.Addr             { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2), Port: 1} }
func (c bytesConn) LocalAddr() net.Addr              { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 2} }
func (c bytesConn) SetReadDeadline(time.Time) error  { return nil }
func (c bytesConn) Write(b []byte) (int, error)      { return len(b), nil }
func (c bytesConn) Close() error                     { return nil }
func (c bytesConn) WriteTo(io.Writer) (int64, error) { return 0, io.EOF }

// oneConn is a listener with one connection.
type oneConn struct {
	net.Listener
	conn net.Conn
}

func (l oneConn) Accept() (net.Conn, error) { return l.conn, nil }

// FuzzProxyHeader checks that a connection from a listed proxy either starts with a header, which
// names the client, and then yields what the client sent, unchanged, or yields nothing.
func FuzzProxyHeader(f *testing.F) {
	f.Add([]byte("PROXY TCP4 192.0.2.7 198.51.100.1 1234 443\r\nGET / HTTP/1.1\r\n"))
	f.Add([]byte("PROXY TCP6 2001:db8::7 2001:db8::1 1 2\r\n\x16\x03\x01"))
	f.Add([]byte("PROXY UNKNOWN\r\n"))
	f.Add([]byte("PROXY TCP4 "))
	f.Add([]byte("GET / HTTP/1.1\r\n\r\n"))
	v2 := append([]byte("\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c"), 192, 0, 2, 7, 198, 51, 100, 1, 4, 210, 1, 187)
	f.Add(append(bytes.Clone(v2), "GET"...))
	f.Add(append(append([]byte{}, v2[:12]...), 0x20, 0, 0, 0))
	f.Add(append(append([]byte{}, v2[:14]...), 0xff, 0xff))
	failed, err := newFailures("fuzz", nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, sent []byte) {
		l := proxied(oneConn{conn: bytesConn{Reader: bytes.NewReader(sent)}}, []netip.Prefix{netip.MustParsePrefix("127.0.0.2/32")}, failed)
		c, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		peer := netaddr.Parse(c.RemoteAddr().String())
		rest, err := io.ReadAll(struct{ io.Reader }{c})
		if !peer.IsValid() {
			t.Errorf("the peer is %v", c.RemoteAddr())
		}
		if err != nil && (len(rest) > 0 || peer != netip.MustParseAddr("127.0.0.2")) {
			t.Errorf("%d bytes of %v came with %v", len(rest), peer, err)
		}
		if err == nil && !bytes.HasSuffix(sent, rest) {
			t.Errorf("%q is not the end of %q", rest, sent)
		}
	})
}
