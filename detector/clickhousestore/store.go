// Package clickhousestore is a detector's store for events in ClickHouse, for more than one machine
// can hold. Start with [Open].
//
// # Exactly once
//
// ClickHouse has no transactions, wants few large insertions, and may have carried out one whose
// answer was lost. So nothing is written to it directly. What Append is given goes, in one durable
// transaction, into a journal: a small SQLite file beside the detector's state. From there it is
// inserted in blocks. A block is a range of the journal, which is recorded before its first
// insertion, so its rows are the same however often it is tried. Each table gets one insertion of a
// block for each day, which ClickHouse carries out as a whole or not at all, and whose rows carry
// the number of the block. After a crash or an error, the store waits until the server has no
// insertion of that block under way any more, asks which tables and days have it, and inserts the
// others. Then it deletes the range from the journal.
//
// Tables that sum rows lose their numbers in doing so. There, each insertion has a mark: a row of
// its own with the number of the block, which nothing is summed with.
//
// # What stays in the journal
//
// Rows that wait to be judged never leave the journal, so judging does not wait for ClickHouse.
// The latest minutes and hours of rollups and durations are summed there until they are over, and
// so come to ClickHouse once and not with each page.
//
// One process writes to a database. The SQL is that of ClickHouse 18.16, the server of Debian 12;
// docs/scale.md says what newer servers do better.
package clickhousestore

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/heliograph-net/heliograph/detector"
	"github.com/heliograph-net/heliograph/internal/sqlitedb"
	"github.com/heliograph-net/heliograph/model/sketch"
)

// Options are the options of a store. Address and Journal are required.
type Options struct {
	Address  string // host and port of the native protocol
	Database string // it must exist; "" means "heliograph"
	User     string // "" means "default"
	Password string
	TLS      *tls.Config // nil: the connection is not encrypted
	Journal  string      // path of the journal; its directory must exist

	// Deadline is the time for one statement; 0 means 30 seconds.
	Deadline time.Duration
	// Lag is by how much answers to people may lag behind what was stored, which bounds how often
	// there are insertions. 0 means 2 seconds. Below 0, they do not lag.
	Lag time.Duration
	// MaxWaiting is how many bytes may wait in the journal; 0 means 1 GiB. If there are more,
	// Append fails, and the reports stay with the collectors.
	MaxWaiting int64
	Logger     *slog.Logger // nil: nothing is logged
}

const (
	defaultDatabase   = "heliograph"
	defaultUser       = "default"
	defaultDeadline   = 30 * time.Second
	defaultLag        = 2 * time.Second
	defaultMaxWaiting = 1 << 30
)

// Validate says what is wrong with the options.
func (o *Options) Validate() error {
	switch {
	case o.Address == "":
		return errors.New("address is missing: the host and port of ClickHouse's native protocol, such as 127.0.0.1:9000")
	case o.Journal == "":
		return errors.New("journal is missing: the path of a file")
	case o.Deadline < 0 || o.MaxWaiting < 0:
		return errors.New("neither a deadline nor a limit is negative")
	}
	return checkAddress(o.Address)
}

func (o Options) withDefaults() Options {
	o.Database, o.User = orElse(o.Database, defaultDatabase), orElse(o.User, defaultUser)
	o.Deadline, o.MaxWaiting = orElse(o.Deadline, defaultDeadline), orElse(o.MaxWaiting, defaultMaxWaiting)
	o.Lag = orElse(o.Lag, defaultLag)
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}

func orElse[T comparable](v, otherwise T) T {
	var zero T
	if v == zero {
		return otherwise
	}
	return v
}

// Events is a detector.Events in ClickHouse. It is also a prometheus.Collector.
type Events struct {
	o       Options
	conn    driver.Conn
	journal *sqlitedb.DB
	metrics metrics

	appending sync.Mutex // held by what adds to the journal
	shipping  sync.Mutex // held while a block is made and inserted
	rolling   sync.Mutex // held by Judged
	counting  sync.Mutex // held while waiting and since change with the journal
	// moving is held while sums go from the journal to ClickHouse, and for reading by queries that
	// read both.
	moving sync.RWMutex

	waiting   atomic.Int64 // bytes in the journal
	since     atomic.Int64 // when the oldest of what waits was stored, in Unix ms; 0: nothing waits
	failed    atomic.Pointer[error]
	listed    seriesListed
	errorKey  sketch.Key // hashes the clients of application errors
	errorDay  int64      // from 1 January 1970
	costly    chan struct{}
	eager     bool // tests: sums are moved at once
	closed    atomic.Bool
	stop      context.CancelFunc
	stopped   chan struct{}
	closeOnce sync.Once
	closeErr  error
}

var _ detector.Events = (*Events)(nil)

// maxCostly is how many queries that read much may run at the same time.
const maxCostly = 3

// Open connects to the server, upgrades its tables to this release's, and opens the journal, which
// it creates if there is none. The caller must close the store.
func Open(ctx context.Context, o Options) (*Events, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	o = o.withDefaults()
	journal, err := sqlitedb.Open(ctx, o.Journal, journalOptions)
	if err != nil {
		return nil, fmt.Errorf("opening the journal %s: %w", o.Journal, err)
	}
	s := &Events{o: o, journal: journal, costly: make(chan struct{}, maxCostly), stopped: make(chan struct{}), metrics: newMetrics()}
	if err := s.start(ctx); err != nil {
		return nil, errors.Join(err, s.release())
	}
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	s.stop = stop
	go s.run(running)
	return s, nil
}

func (s *Events) start(ctx context.Context) (err error) {
	if s.conn, err = connect(&s.o); err != nil {
		return err
	}
	if err := s.migrate(ctx); err != nil {
		return err
	}
	return s.measure(ctx)
}

// Close implements detector.Events. What waits in the journal stays there and is inserted after the
// next Open.
func (s *Events) Close() error {
	s.closeOnce.Do(func() {
		s.closed.Store(true)
		s.stop()
		<-s.stopped
		s.shipping.Lock()
		defer s.shipping.Unlock()
		s.appending.Lock()
		defer s.appending.Unlock()
		s.closeErr = s.release()
	})
	return s.closeErr
}

func (s *Events) release() (err error) {
	if s.conn != nil {
		err = s.conn.Close()
	}
	return errors.Join(err, s.journal.Close())
}

var errClosed = errors.New("the store is closed")

// Ready implements detector.Events: the server answers, the journal can be written, and it has
// room.
func (s *Events) Ready(ctx context.Context) error {
	if s.closed.Load() {
		return errClosed
	}
	if err := s.journal.Intact(); err != nil {
		return fmt.Errorf("checking the journal: %w", err)
	}
	if err := s.room(); err != nil {
		return err
	}
	if err := s.checkJournal(ctx); err != nil {
		return err
	}
	if err := s.ping(ctx); err != nil {
		return err
	}
	if err := s.failed.Load(); err != nil {
		return fmt.Errorf("answers lack the latest reports: %w", *err)
	}
	return nil
}
