// Package natsfeed is a [detector.Feed] that reads a collector's batches from a stream of NATS
// JetStream, while the collector itself may be gone. Start with [New].
//
// The stream is either the collector's own, or one at a hub that sources from it.
// The detector's store remembers how far it has read. A feed of a collector's own stream
// also acknowledges, in a bucket beside it, and the collector deletes what all its readers have. A
// hub's stream limits the age of messages instead.
package natsfeed

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/heliograph-net/heliograph/detector"
	"github.com/heliograph-net/heliograph/internal/natsjs"
	"github.com/heliograph-net/heliograph/report"
)

const (
	defaultWait = 20 * time.Second
	// poll is how often the stream is asked while it has nothing new.
	poll = 250 * time.Millisecond
)

// Options are the options of a [Feed]. Collector, Servers and Source are required.
type Options struct {
	Collector string   // the collector's id in the policy
	Servers   []string // URLs, such as nats://127.0.0.1:4222 or tls://nats.example:4222
	Stream    string   // the stream to read; "" means Source
	// Source is the name of the collector's own stream, under which its batches are in Stream, too.
	Source string
	Domain string // JetStream domain of the stream; "" is that of the server
	// Reader is the name under which the feed acknowledges, among the collector's readers. It is
	// required if the stream is the collector's own, and unused otherwise.
	Reader string

	Credentials      string // path of a file with a user's JWT and seed (.creds); "": none
	CA               string // path of PEM certificates that sign the servers'; "": the system's
	Certificate, Key string // paths of the PEM certificate and key of this client; "": none

	// Wait is how long Read waits for batches. 0 means 20 s.
	Wait   time.Duration
	Logger *slog.Logger // nil: no logging
}

func (o *Options) connection() natsjs.Options {
	return natsjs.Options{Servers: o.Servers, Domain: o.Domain, Credentials: o.Credentials, CA: o.CA, Certificate: o.Certificate, Key: o.Key}
}

// Validate says what is wrong with the options. It does not connect.
func (o *Options) Validate() error {
	connection := o.connection()
	if err := connection.Validate(); err != nil {
		return err
	}
	if o.Collector == "" || len(o.Collector) > report.MaxString {
		return fmt.Errorf("the collector's id must have 1 to %d bytes", report.MaxString)
	}
	if o.Source == "" {
		return errors.New("source is missing: the name of the collector's stream")
	}
	if o.own() && o.Reader == "" {
		return errors.New("reader is missing: the name of this detector among the readers of the collector's inbox")
	}
	return nil
}

// own reports whether the stream is the collector's own.
func (o *Options) own() bool { return o.Stream == "" || o.Stream == o.Source }

// Feed is a [detector.Feed]. Its methods are called by one goroutine.
type Feed struct {
	o       Options
	drained bool   // a read has been empty
	acked   uint64 // the last acknowledgement
	left    uint64 // batches that the last read has left

	mu   sync.Mutex // guards the connection: CloseIdleConnections comes from another goroutine
	conn *nats.Conn
	js   jetstream.JetStream
}

var _ detector.Feed = (*Feed)(nil)

// New returns a Feed. It does not connect.
func New(o Options) (*Feed, error) {
	if err := o.Validate(); err != nil {
		return nil, fmt.Errorf("feed: %w", err)
	}
	if o.Stream == "" {
		o.Stream = o.Source
	}
	if o.Wait == 0 {
		o.Wait = defaultWait
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return &Feed{o: o}, nil
}

// Collector returns the id of the collector whose batches the feed has.
func (f *Feed) Collector() string { return f.o.Collector }

// Left returns how many batches the last read has left in the stream.
func (f *Feed) Left() uint64 { return f.left }

// Read implements [detector.Feed]. After an empty read, it waits for batches as long as the options
// allow.
func (f *Feed) Read(ctx context.Context, after uint64, limit int) ([]report.Envelope, error) {
	js, err := f.connected()
	if err != nil {
		return nil, err
	}
	end := time.NewTimer(f.o.Wait)
	defer end.Stop()
	for first := true; ; first = false {
		all, left, err := natsjs.Read(ctx, js, f.o.Stream, natsjs.Subject(f.o.Source), after, limit)
		if err == nil {
			f.left = left
		}
		if err != nil || len(all) > 0 {
			return all, err
		}
		if first {
			if err := f.reached(ctx, js, after); err != nil {
				return nil, err
			}
		}
		// a detector begins to judge once no old batch is left, so the first empty answer comes at
		// once
		if !f.drained {
			f.drained = true
			return nil, nil
		}
		select {
		case <-time.After(poll):
		case <-end.C:
			return nil, nil
		case <-ctx.Done():
			return nil, nil
		}
	}
}

// reached returns [detector.ErrCursor] if the stream has not come to a number yet.
func (f *Feed) reached(ctx context.Context, js jetstream.JetStream, seq uint64) error {
	stream, err := js.Stream(ctx, f.o.Stream)
	if err != nil {
		return fmt.Errorf("asking for stream %s: %w", f.o.Stream, natsjs.Named(err))
	}
	if seq > stream.CachedInfo().State.LastSeq {
		return detector.ErrCursor
	}
	return nil
}

func (f *Feed) connected() (jetstream.JetStream, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.conn != nil {
		return f.js, nil
	}
	connection := f.o.connection()
	var err error
	f.conn, f.js, err = connection.Connect("heliograph detector of "+f.o.Collector, f.o.Logger)
	return f.js, err
}

// Ack implements [detector.Feed].
func (f *Feed) Ack(ctx context.Context, upTo uint64) error {
	if !f.o.own() || upTo <= f.acked {
		return nil
	}
	js, err := f.connected()
	if err != nil {
		return err
	}
	name := natsjs.Bucket(f.o.Source)
	bucket, err := js.KeyValue(ctx, name)
	if err == nil {
		_, err = bucket.Put(ctx, natsjs.AckKey(f.o.Reader), strconv.AppendUint(nil, upTo, 10))
	}
	if err != nil {
		return fmt.Errorf("acknowledging in bucket %s: %w", name, natsjs.Named(err))
	}
	f.acked = upTo
	return nil
}

// CloseIdleConnections closes the connection; the next Read makes it again. A Detector calls it
// when it no longer uses the feed.
func (f *Feed) CloseIdleConnections() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.conn != nil {
		f.conn.Close()
		f.conn, f.js = nil, nil
	}
}
