package idbspool

import (
	"errors"
)

var (
	errAbsent      = errors.New("there is no database yet")
	errUnavailable = errors.New("IndexedDB is not available")
	errQuota       = errors.New("browser's quota is used up")
)

// database stores an origin's segments and state. Several Spools share one.
type database interface {
	// read and write run f in a transaction. Transactions that write overlap with no other. When
	// write returns nil, the changes of f are durable. After an error, none of them are. The error
	// is that of f, errAbsent, errUnavailable, errQuota, or another one. f must not wait for
	// anything but its transaction.
	read(f func(t transaction) error) error
	write(create bool, f func(t transaction) error) error

	// lock makes the caller the only uploader until it calls unlock. The error is
	// agent.ErrSpoolBusy if there is another.
	lock() (unlock func(), err error)

	delete() // deletes the whole database once all others have closed it
	close()  // closes the database until it is needed again
}

// transaction reads and writes rows, chunks and states. If a method that writes fails, the whole
// transaction fails.
type transaction interface {
	segments() ([]string, error)         // all rows
	segment(id string) (string, error)   // one row, "" if there is none
	putSegment(id, row string)           //
	deleteSegment(id string)             // row and chunks
	chunks(id string) ([]byte, error)    // joined, and cut at the greatest size of a segment
	putChunk(id string, n int, b []byte) //
	state(name string) ([]byte, error)   // nil if there is none
	putState(name string, b []byte)      //
	deleteState(name string)             //
	clear()                              // deletes everything
}
