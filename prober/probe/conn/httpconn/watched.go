package httpconn

import (
	"crypto/tls"
	"net"
	"sync"
)

// watched is a connection that remembers how it ended. Its methods are safe for concurrent use, as
// those of the connection are.
type watched struct {
	net.Conn
	mu  sync.Mutex
	err error // of the first Read that failed; guarded by mu
}

// Watch returns c, which remembers how it ended, for [New].
func Watch(c net.Conn) net.Conn { return &watched{Conn: c} }

// Read implements [net.Conn].
func (w *watched) Read(b []byte) (int, error) {
	n, err := w.Conn.Read(b)
	if err != nil {
		w.mu.Lock()
		if w.err == nil {
			w.err = err
		}
		w.mu.Unlock()
	}
	return n, err
}

// end returns the error with which the connection ended, or nil.
func (w *watched) end() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.err
}

// watchedUnder returns the watched connection that c is, or is over, or nil.
func watchedUnder(c net.Conn) *watched {
	if secured, ok := c.(*tls.Conn); ok {
		c = secured.NetConn()
	}
	w, _ := c.(*watched)
	return w
}
