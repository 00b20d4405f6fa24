package httpserve

import (
	"container/list"
	"crypto/tls"
	"net"
	"net/http"
	"sync"
)

// conns limits the number of open connections. It is safe for concurrent use.
type conns struct {
	max int

	mu   sync.Mutex
	open map[net.Conn]*openConn // guarded by mu
	// guarded by mu; elements are net.Conns, the one that has been idle longest first
	idle *list.List
}

// openConn is what is known about a connection.
type openConn struct {
	idle *list.Element // in conns.idle; nil if it is in use
}

func newConns(most int) *conns {
	return &conns{max: most, open: map[net.Conn]*openConn{}, idle: list.New()}
}

// changed is the ConnState hook of an http.Server. A connection that has sent nothing yet
// counts as idle.
func (c *conns) changed(conn net.Conn, state http.ConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if state == http.StateNew {
		if len(c.open) >= c.max && !c.dropIdle() {
			cut(conn)
		}
		c.open[conn] = &openConn{c.idle.PushBack(conn)}
		return
	}
	o := c.open[conn]
	if o == nil { // was dropped
		return
	}
	if o.idle != nil {
		c.idle.Remove(o.idle)
		o.idle = nil
	}
	switch state {
	case http.StateIdle:
		o.idle = c.idle.PushBack(conn)
	case http.StateClosed, http.StateHijacked:
		delete(c.open, conn)
	}
}

// dropIdle closes the connection that has been idle longest. It returns false if none is idle.
func (c *conns) dropIdle() bool {
	first := c.idle.Front()
	if first == nil {
		return false
	}
	conn := c.idle.Remove(first).(net.Conn)
	delete(c.open, conn)
	cut(conn)
	return true
}

// cut closes a connection at once, without the closing alert of TLS, which may take seconds.
func cut(conn net.Conn) {
	if t, ok := conn.(*tls.Conn); ok {
		conn = t.NetConn()
	}
	_ = conn.Close()
}
