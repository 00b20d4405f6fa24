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
//	merge_places(a, b)   the sum of two sums by bucket
//	count_clients(x)     an aggregate: the clients in the union of sets
//	count_places(x)      an aggregate: the distinct buckets in sums by bucket
func register(conn *sqlite3.SQLiteConn) error {
	if err := conn.RegisterFunc("merge_clients", mergeClients, true); err != nil {
		return err
	}
	if err := conn.RegisterFunc("merge_spread", mergeSpread, true); err != nil {
		return err
	}
	if err := conn.RegisterFunc("merge_places", mergePlaces, true); err != nil {
		return err
	}
	if err := conn.RegisterAggregator("count_places", func() *placeCounter { return new(placeCounter) }, true); err != nil {
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

func mergePlaces(a, b []byte) ([]byte, error) {
	var x, y sketch.Places
	if err := x.Decode(a); err != nil {
		return nil, err
	}
	if err := y.Decode(b); err != nil {
		return nil, err
	}
	x.Merge(&y)
	return x.Append(nil), nil
}

// placeCounter is one run of count_places.
type placeCounter struct{ all, next sketch.Places }

// Step takes the sums of one cell.
func (c *placeCounter) Step(encoded []byte) error {
	if err := c.next.Decode(encoded); err != nil {
		return err
	}
	c.all.Merge(&c.next)
	return nil
}

// Done is the number of distinct buckets.
func (c *placeCounter) Done() int64 { return int64(c.all.Count()) }

// clientCounter is one run of count_clients.
type clientCounter struct{ all, next sketch.Clients }

// Step adds one set.
func (c *clientCounter) Step(encoded []byte) error {
	if err := c.next.Decode(encoded); err != nil {
		return err
	}
	c.all.Merge(&c.next)
	return nil
}

// Done returns the number of clients.
func (c *clientCounter) Done() int64 { return int64(c.all.Count()) }
