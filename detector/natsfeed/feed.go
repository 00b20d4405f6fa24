// Package natsfeed is a [detector.Feed] that reads a collector's batches from a stream of NATS
// JetStream, while the collector itself may be gone. Start with [New].
//
// The stream is either the collector's own, or one at a hub that sources from it.
// The detector's store remembers how far it has read. A feed of a collector's own stream
// also acknowledges, in a bucket beside it, and the collector deletes what all its readers have. A
// hub's stream limits the age of messages instead; what is acknowledged beside it tells collectors
// how far its readers are behind.
package natsfeed

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
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
	// required if the stream is the collector's own. If it is a hub's, "" means that the feed does
	// not acknowledge, so the collector does not know when this detector is behind.
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
	if o.Reader != "" && !name.MatchString(o.Reader) {
		return fmt.Errorf("reader %q: give 1 to 64 letters, digits, _ or -", o.Reader)
	}
	return nil
}

// name has what a key of a bucket may have.
var name = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

// own reports whether the stream is the collector's own.
func (o *Options) own() bool { return o.Stream == "" || o.Stream == o.Source }

// Feed is a [detector.Feed]. Its methods are called by one goroutine.
type Feed struct {
	o       Options
	drained bool      // a read has been empty
	acked   uint64    // the last acknowledgement
	left    uint64    // batches that the last read has left
	seen    time.Time // when the feed last said that it reads
	told    uint64    // the number after which batches were last said to be missing
	failed  time.Time // when it last could not acknowledge beside a hub's stream

	mu     sync.Mutex // guards the connection: CloseIdleConnections comes from another goroutine
	conn   *nats.Conn
	js     jetstream.JetStream
	bucket jetstream.KeyValue // nil: not opened yet
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
		f.say(ctx)
		all, left, err := natsjs.Read(ctx, js, f.o.Stream, natsjs.Subject(f.o.Source), after, limit)
		if err == nil {
			f.left = left
			f.missed(after, all)
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

// missed tells of batches that are gone from the stream before they were read. Numbers of a stream
// have no gaps otherwise.
func (f *Feed) missed(after uint64, all []report.Envelope) {
	if after == 0 || len(all) == 0 || all[0].Seq == after+1 || f.told == after {
		return
	}
	f.told = after
	f.o.Logger.Error("batches are missing: the stream dropped them for their age, somebody deleted them, or it was made anew",
		"collector", f.o.Collector, "stream", f.o.Stream, "after", after, "next", all[0].Seq)
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

// Ack implements [detector.Feed]. Nothing depends on what is acknowledged beside a hub's stream but
// how soon agents are slowed down. So what fails there is not tried with every page: without the
// permission, each attempt waits for an answer.
func (f *Feed) Ack(ctx context.Context, upTo uint64) error {
	if f.o.Reader == "" || upTo <= f.acked || !f.o.own() && !f.failed.IsZero() && time.Since(f.failed) < natsjs.SeenEvery {
		return nil
	}
	bucket, err := f.state(ctx)
	if err == nil {
		_, err = bucket.Put(ctx, natsjs.AckKey(f.o.Reader), strconv.AppendUint(nil, upTo, 10))
	}
	if err != nil {
		f.failed = time.Now()
		return fmt.Errorf("acknowledging in bucket %s: %w", natsjs.Bucket(f.o.Stream), natsjs.Named(err))
	}
	f.acked = upTo
	return nil
}

// say says now and then that the feed reads, so that the collector tells a detector that has
// nothing to read from one that is gone. If it cannot, [Feed.Ack] cannot either, and returns why.
func (f *Feed) say(ctx context.Context) {
	if f.o.Reader == "" || !f.seen.IsZero() && time.Since(f.seen) < natsjs.SeenEvery {
		return
	}
	f.seen = time.Now()
	if bucket, err := f.state(ctx); err == nil {
		_, _ = bucket.Put(ctx, natsjs.SeenKey(f.o.Reader), nil)
	}
}

// state opens the bucket beside the stream. A hub's is made if it is not there; a collector makes
// its own.
func (f *Feed) state(ctx context.Context) (jetstream.KeyValue, error) {
	js, err := f.connected()
	if err != nil {
		return nil, err
	}
	f.mu.Lock()
	bucket := f.bucket
	f.mu.Unlock()
	if bucket != nil {
		return bucket, nil
	}
	bucket, err = js.KeyValue(ctx, natsjs.Bucket(f.o.Stream))
	if errors.Is(err, jetstream.ErrBucketNotFound) && !f.o.own() {
		bucket, err = f.makeState(ctx, js)
	}
	if err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.conn != nil {
		f.bucket = bucket
	}
	return bucket, nil
}

// makeState makes the bucket beside a hub's stream, with as many replicas.
func (f *Feed) makeState(ctx context.Context, js jetstream.JetStream) (jetstream.KeyValue, error) {
	stream, err := js.Stream(ctx, f.o.Stream)
	if err != nil {
		return nil, err
	}
	bucket, err := js.CreateKeyValue(ctx, jetstream.KeyValueConfig{Bucket: natsjs.Bucket(f.o.Stream), Description: "readers of " + f.o.Stream,
		Replicas: stream.CachedInfo().Config.Replicas, Storage: jetstream.FileStorage})
	if errors.Is(err, jetstream.ErrBucketExists) { // another detector was faster
		return js.KeyValue(ctx, natsjs.Bucket(f.o.Stream))
	}
	return bucket, err
}

// CloseIdleConnections closes the connection; the next Read makes it again. A Detector calls it
// when it no longer uses the feed.
func (f *Feed) CloseIdleConnections() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.conn != nil {
		f.conn.Close()
		f.conn, f.js, f.bucket = nil, nil, nil
	}
}
