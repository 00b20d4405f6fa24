package httpserve

import (
	"container/list"
	"crypto/tls"
	"net"
	"net/http"
	"sync"
)

// conns bounds how many connections are open. It is safe for concurrent use.
type conns struct {
	max int

	mu sync.Mutex
	// owned by mu; where a connection is in idle, nil: it is at work
	open map[net.Conn]*list.Element
	idle *list.List // owned by mu; of net.Conn, that which has been idle for longest first
}

func newConns(most int) *conns {
	return &conns{max: most, open: map[net.Conn]*list.Element{}, idle: list.New()}
}

// changed is an http.Server's ConnState. A connection that has sent nothing yet counts as idle.
func (c *conns) changed(conn net.Conn, state http.ConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if at := c.open[conn]; at != nil {
		c.idle.Remove(at)
		c.open[conn] = nil
	}
	switch state {
	case http.StateNew:
		if len(c.open) >= c.max && !c.dropIdle() {
			cut(conn)
		}
		c.open[conn] = c.idle.PushBack(conn)
	case http.StateIdle:
		c.open[conn] = c.idle.PushBack(conn)
	case http.StateActive:
		c.open[conn] = nil
	case http.StateClosed, http.StateHijacked:
		delete(c.open, conn)
	}
}

// dropIdle cuts the connection that has been idle for longest, or says that none is.
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

// cut closes a connection at once: TLS would say farewell first, which may take seconds.
func cut(conn net.Conn) {
	if t, ok := conn.(*tls.Conn); ok {
		conn = t.NetConn()
	}
	_ = conn.Close()
}
