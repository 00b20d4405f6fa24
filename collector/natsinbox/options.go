package natsinbox

import (
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"slices"
	"time"

	"github.com/heliograph-net/heliograph/internal/natsjs"
)

const (
	defaultMaxBytes = 4 << 30
	defaultMaxAge   = 30 * 24 * time.Hour
	defaultReplicas = 3
	// minBytes is the smallest valid Options.MaxBytes.
	minBytes = 1 << 20
)

// Options are the options of a [Queue]. Servers and Stream are required.
type Options struct {
	Servers []string // URLs, such as nats://127.0.0.1:4222 or tls://nats.example:4222
	// Stream is the stream's name. Open creates it if it does not exist. No other collector may
	// have the same one.
	Stream string
	// Replicas is the number of replicas of a stream that Open creates: 1, 3 or 5. 0 means 3.
	Replicas int
	// Domain is the JetStream domain of the stream, such as that of a leaf node; "" is that of
	// the server.
	Domain string

	Credentials      string // path of a file with a user's JWT and seed (.creds); "": none
	CA               string // path of PEM certificates that sign the servers'; "": the system's
	Certificate, Key string // paths of the PEM certificate and key of this client; "": none

	// Readers are detectors that read the stream themselves (package natsfeed), by the names under
	// which they acknowledge. A batch is held for them as for those of SetReaders.
	Readers []string
	// Hub is a stream that sources from this one alone, in the JetStream domain HubDomain. A batch
	// is held until the hub has it. "" means none.
	Hub, HubDomain string
	// HubReaders are detectors that read the hub's stream, by the names under which they
	// acknowledge there. Nothing is held for them: they tell how far behind they are, see
	// [collector.InboxStats].Unread.
	HubReaders []string

	// Monitor is the URL of the monitoring port of the server that has a stream with one replica,
	// such as http://127.0.0.1:8222. Open asks there whether the server syncs every write.
	Monitor string
	// AssumeDurable accepts a stream whose durability Open cannot confirm. What it could not
	// confirm is logged as a warning.
	AssumeDurable bool

	// MaxBytes is the size at which the stream is full, in bytes, at least 1 MiB. 0 means 4 GiB.
	MaxBytes int64
	// MaxAge is the age at which batches that not all readers have acknowledged are dropped and
	// counted. 0 means 30 days.
	MaxAge time.Duration
	Logger *slog.Logger // nil: no logging
}

// streamName has what a stream's name, its subject and its bucket's name may all have.
var streamName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

// Validate says what is wrong with the options. It does not connect.
func (o *Options) Validate() error {
	connection := o.connection()
	if err := connection.Validate(); err != nil {
		return err
	}
	switch {
	case !streamName.MatchString(o.Stream):
		return fmt.Errorf("stream %q: give 1 to 64 letters, digits, _ or -", o.Stream)
	case o.Replicas != 0 && o.Replicas != 1 && o.Replicas != 3 && o.Replicas != 5:
		return fmt.Errorf("replicas %d: give 1, 3 or 5", o.Replicas)
	case o.MaxBytes != 0 && o.MaxBytes < minBytes:
		return fmt.Errorf("at most %d bytes are too few, give at least %d", o.MaxBytes, minBytes)
	case o.MaxAge < 0:
		return fmt.Errorf("a maximum age of %v is not positive", o.MaxAge)
	}
	if o.Hub == "" && len(o.HubReaders) > 0 {
		return errors.New("readers of a hub need the name of the hub's stream")
	}
	for _, name := range slices.Concat(o.Readers, o.HubReaders) {
		if !streamName.MatchString(name) {
			return fmt.Errorf("reader %q: give 1 to 64 letters, digits, _ or -", name)
		}
	}
	return nil
}

// fill sets the defaults.
func (o *Options) fill() {
	if o.Replicas == 0 {
		o.Replicas = defaultReplicas
	}
	if o.MaxBytes == 0 {
		o.MaxBytes = defaultMaxBytes
	}
	if o.MaxAge == 0 {
		o.MaxAge = defaultMaxAge
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
}

// connection says how to connect.
func (o *Options) connection() natsjs.Options {
	return natsjs.Options{Servers: o.Servers, Domain: o.Domain, Credentials: o.Credentials, CA: o.CA, Certificate: o.Certificate, Key: o.Key}
}

// subject is the subject of all messages of the stream.
func (o *Options) subject() string { return natsjs.Subject(o.Stream) }

// bucket is the name of the bucket that has the readers' cursors.
func (o *Options) bucket() string { return natsjs.Bucket(o.Stream) }
