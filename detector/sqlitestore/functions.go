package sqlitestore

import (
	sqlite3 "github.com/mattn/go-sqlite3"

	"github.com/heliograph-net/heliograph/detector/internal/rollups"
	"github.com/heliograph-net/heliograph/model/sketch"
)

// register gives a connection these functions besides SQLite's own and those of rollups.Register;
// an empty histogram may become NULL.
//
//	merge_spread(a, b)  the sum of two histograms
//	merge_places(a, b)  the sum of two sums by bucket
func register(conn *sqlite3.SQLiteConn) error {
	if err := rollups.Register(conn); err != nil {
		return err
	}
	if err := conn.RegisterFunc("merge_spread", mergeSpread, true); err != nil {
		return err
	}
	if err := registerRequests(conn); err != nil {
		return err
	}
	return conn.RegisterFunc("merge_places", mergePlaces, true)
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
