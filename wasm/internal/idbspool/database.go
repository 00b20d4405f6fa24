package idbspool

import (
	"errors"
)

var (
	errAbsent      = errors.New("there is no database yet")
	errUnavailable = errors.New("IndexedDB is not available")
	errQuota       = errors.New("browser's quota is used up")
)

// database is where an origin's segments and state are. Several Spools share one.
type database interface {
	// read and write run f in a transaction that overlaps with no writing one. What f has changed
	// is durable once write returns nil; after an error nothing of it is. The errors are f's,
	// errAbsent, errUnavailable, errQuota, or others. f must not wait for anything but
	// its transaction.
	read(f func(t transaction) error) error
	write(create bool, f func(t transaction) error) error

	// lock makes the caller the only one who uploads until it calls unlock. agent.ErrSpoolBusy when
	// another is.
	lock() (unlock func(), err error)

	delete() // the whole database, when all others let go of it
	close()  // until it is needed again
}

// transaction reads and changes. What the changing methods cannot do, the whole transaction cannot.
type transaction interface {
	segments() ([]string, error)         // all rows
	segment(id string) (string, error)   // one row, "" if there is none
	putSegment(id, row string)           //
	deleteSegment(id string)             // row and chunks
	chunks(id string) ([]byte, error)    // joined; what is more than a segment may have is left out
	putChunk(id string, n int, b []byte) //
	state(name string) ([]byte, error)   // nil if there is none
	putState(name string, b []byte)      //
	deleteState(name string)             //
	clear()                              // deletes everything
}
