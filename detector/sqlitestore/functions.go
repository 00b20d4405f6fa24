package sqlitestore

import (
	sqlite3 "github.com/mattn/go-sqlite3"

	"github.com/heliograph-net/heliograph/model/sketch"
)

// register gives a connection these functions besides SQLite's own; an empty set or histogram may
// become NULL.
//
//	merge_clients(a, b)  the union of two sets of clients
//	merge_spread(a, b)   the sum of two histograms
//	count_clients(x)     an aggregate: the clients in the union of sets
func register(conn *sqlite3.SQLiteConn) error {
	if err := conn.RegisterFunc("merge_clients", mergeClients, true); err != nil {
		return err
	}
	if err := conn.RegisterFunc("merge_spread", mergeSpread, true); err != nil {
		return err
	}
	return conn.RegisterAggregator("count_clients", func() *clientCounter { return new(clientCounter) }, true)
}

func mergeClients(a, b []byte) ([]byte, error) {
	var x, y sketch.Clients
	if err := x.Decode(a); err != nil {
		return nil, err
	}
	if err := y.Decode(b); err != nil {
		return nil, err
	}
	x.Merge(&y)
	return x.Append(a[:0]), nil
}

func mergeSpread(a, b []byte) ([]byte, error) {
	var x, y sketch.Spread
	if err := x.Decode(a); err != nil {
		return nil, err
	}
	if err := y.Decode(b); err != nil {
		return nil, err
	}
	x.Merge(&y)
	return x.Append(a[:0]), nil
}

// clientCounter is one run of count_clients.
type clientCounter struct{ all, next sketch.Clients }

// Step takes one set.
func (c *clientCounter) Step(encoded []byte) error {
	if err := c.next.Decode(encoded); err != nil {
		return err
	}
	c.all.Merge(&c.next)
	return nil
}

// Done is the number of clients.
func (c *clientCounter) Done() int64 { return int64(c.all.Count()) }
