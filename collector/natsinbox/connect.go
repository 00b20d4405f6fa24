package natsinbox

import (
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/heliograph-net/heliograph/report"
)

const (
	reconnectWait = time.Second
	// callTimeout is how long a call to JetStream waits if its context has no deadline.
	callTimeout = 5 * time.Second
	// headerBytes is more than the headers of a message need.
	headerBytes = 4 << 10
)

// connect connects to one of the servers. If the connection breaks, it is made again, for as long
// as that takes. Until then, every call fails at once, because what waited in the client's memory
// would be published after its uploader was told to come again.
func (q *Queue) connect() (err error) {
	o := &q.o
	options := []nats.Option{
		nats.Name("heliograph collector " + o.Stream), nats.MaxReconnects(-1), nats.ReconnectWait(reconnectWait), nats.ReconnectBufSize(-1),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if err != nil {
				o.Logger.Warn("connection to NATS is lost, it is made again; until then uploads are told to come later", "error", err)
			}
		}),
		nats.ReconnectHandler(func(c *nats.Conn) { o.Logger.Info("connected to NATS again", "server", c.ConnectedServerName()) }),
	}
	if o.Credentials != "" {
		options = append(options, nats.UserCredentials(o.Credentials))
	}
	if o.CA != "" {
		options = append(options, nats.RootCAs(o.CA))
	}
	if o.Certificate != "" {
		options = append(options, nats.ClientCert(o.Certificate, o.Key))
	}
	urls := ""
	for n, url := range o.Servers {
		if n > 0 {
			urls += ","
		}
		urls += url
	}
	if q.conn, err = nats.Connect(urls, options...); err != nil {
		return fmt.Errorf("connecting to NATS at %s: %w", urls, err)
	}
	if got := q.conn.MaxPayload(); got < report.MaxEnvelope+headerBytes {
		return fmt.Errorf("server %s takes messages of at most %d bytes: set its max_payload to at least %d",
			q.conn.ConnectedServerName(), got, report.MaxEnvelope+headerBytes)
	}
	all := []jetstream.JetStreamOpt{jetstream.WithDefaultTimeout(callTimeout)}
	if o.Domain == "" {
		q.js, err = jetstream.New(q.conn, all...)
	} else {
		q.js, err = jetstream.NewWithDomain(q.conn, o.Domain, all...)
	}
	return err
}
