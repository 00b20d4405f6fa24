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
//	merge_latencies(a, b)  the sum of two sums of durations
func register(conn *sqlite3.SQLiteConn) error {
	if err := conn.RegisterFunc("merge_clients", mergeClients, true); err != nil {
		return err
	}
	if err := conn.RegisterFunc("merge_spread", mergeSpread, true); err != nil {
		return err
	}
	if err := conn.RegisterFunc("merge_latencies", mergeLatencies, true); err != nil {
		return err
	}
	return conn.RegisterFunc("merge_places", mergePlaces, true)
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
