//go:build cgo

package clickhousestore

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/heliograph-net/heliograph/detector"
	"github.com/heliograph-net/heliograph/detector/internal/rollups"
	"github.com/heliograph-net/heliograph/internal/sqlitedb"
	"github.com/heliograph-net/heliograph/model"
)

// Events is a detector.Events in ClickHouse. It is also a prometheus.Collector.
type Events struct {
	*rollups.Pages
	o       Options
	conn    driver.Conn
	journal *sqlitedb.DB
	metrics metrics

	appending sync.Mutex // held by what adds to the journal
	shipping  sync.Mutex // held while a block is made and inserted
	// held while Judged adds to the sums in the journal, and while they are taken
	summing  sync.Mutex
	counting sync.Mutex // held while waiting and since change with the journal
	// moving is held while sums go from the journal to ClickHouse, and for reading by queries that
	// read both.
	moving    sync.RWMutex
	preparing sync.Mutex // held while the tables are upgraded
	prepared  atomic.Bool
	away      atomic.Int64 // until when Append does not ask the server, in Unix ms

	waiting   atomic.Int64 // bytes in the journal
	since     atomic.Int64 // when the oldest of what waits was stored, in Unix ms; 0: nothing waits
	failed    atomic.Pointer[error]
	listed    seriesListed
	errorKey  rollups.ErrorKey
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

// ErrInUse says that another process has the journal open.
var ErrInUse = errors.New("another process has it open: one detector, or one migration, writes to a journal")

// Open connects to the server, upgrades its tables to this release's, and opens the journal, which
// it creates if there is none. If the server does not answer, Open succeeds all the same: batches
// are taken into the journal, and answers are errors that wrap model.ErrAway until it does. The
// caller must close the store.
func Open(ctx context.Context, o Options) (*Events, error) {
	s, err := open(ctx, o)
	if err != nil {
		return nil, err
	}
	m, err := s.imported(ctx)
	if err == nil && m.Source != "" && m.Ended.IsZero() {
		err = fmt.Errorf("opening the journal %s: %w", o.Journal, errImporting)
	}
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func open(ctx context.Context, o Options) (*Events, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	o = o.withDefaults()
	if sqlitedb.InUse(o.Journal) {
		return nil, fmt.Errorf("opening the journal %s: %w", o.Journal, ErrInUse)
	}
	journal, err := sqlitedb.Open(ctx, o.Journal, journalOptions)
	if err != nil {
		return nil, fmt.Errorf("opening the journal %s: %w", o.Journal, err)
	}
	s := &Events{o: o, journal: journal, costly: make(chan struct{}, maxCostly), stopped: make(chan struct{}), metrics: newMetrics()}
	s.Pages = rollups.NewPages(journal.Own, s.writeSums, addSums)
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
	if err := s.prepare(ctx); errors.Is(err, model.ErrAway) {
		s.failed.Store(&err)
		s.o.Logger.Warn("ClickHouse does not answer: what is reported waits in the journal, and answers lack what is in ClickHouse", "journal", s.o.Journal, "error", err)
	} else if err != nil {
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
		return fmt.Errorf("what is reported is judged, but the page lacks what is in ClickHouse; %s: %w", s.waits(), err)
	}
	if err := s.failed.Load(); err != nil {
		return fmt.Errorf("answers lack the latest reports: %w", *err)
	}
	return nil
}

// waits says how much waits in the journal.
func (s *Events) waits() string {
	return fmt.Sprintf("%d of at most %d bytes of reports wait in the journal %s", s.waiting.Load(), s.o.MaxWaiting, s.o.Journal)
}
