// Package natsjs is what collectors and detectors have in common when batches are in streams of
// NATS JetStream: how they connect, and how they read. Start with [Options.Connect].
package natsjs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/heliograph-net/heliograph/report"
)

// CallTimeout is how long a call to JetStream waits if its context has no deadline.
const CallTimeout = 5 * time.Second

// HeaderBytes is more than the headers of a message need.
const HeaderBytes = 4 << 10

const reconnectWait = time.Second

// Options say how to connect. Servers is required.
type Options struct {
	Servers          []string // URLs, such as nats://127.0.0.1:4222 or tls://nats.example:4222
	Domain           string   // JetStream domain; "" is that of the server
	Credentials      string   // path of a file with a user's JWT and seed (.creds); "": none
	CA               string   // path of PEM certificates that sign the servers'; "": the system's
	Certificate, Key string   // paths of the PEM certificate and key of this client; "": none
}

// Validate says what is wrong with the options. It does not connect.
func (o *Options) Validate() error {
	switch {
	case len(o.Servers) == 0:
		return errors.New("servers is missing: give the URLs of NATS servers, such as nats://127.0.0.1:4222")
	case (o.Certificate == "") != (o.Key == ""):
		return errors.New("certificate and key belong together: give both or none")
	}
	return nil
}

// Connect connects to one of the servers. name is what the servers' operator sees. If the
// connection breaks, it is made again, for as long as that takes. Until then, every call fails at
// once: what waited in the client's memory would be published after its uploader was told to
// come again.
func (o *Options) Connect(name string, log *slog.Logger) (*nats.Conn, jetstream.JetStream, error) {
	conn, err := nats.Connect(strings.Join(o.Servers, ","), o.options(name, log)...)
	if err != nil {
		var servers []string
		for _, address := range o.Servers {
			servers = append(servers, shown(address))
		}
		return nil, nil, fmt.Errorf("connecting to NATS at %s: %w", strings.Join(servers, ", "), bare(err))
	}
	if conn.MaxPayload() < report.MaxEnvelope+HeaderBytes {
		err := tooSmall(conn)
		conn.Close()
		return nil, nil, err
	}
	js, err := InDomain(conn, o.Domain)
	if err != nil {
		conn.Close()
		return nil, nil, err
	}
	return conn, js, nil
}

// InDomain returns JetStream of a domain; "" is that of the server.
func InDomain(conn *nats.Conn, domain string) (jetstream.JetStream, error) {
	timeout := jetstream.WithDefaultTimeout(CallTimeout)
	if domain == "" {
		return jetstream.New(conn, timeout)
	}
	// by its prefix, because jetstreamext 0.3.2 makes a wrong one of a domain
	return jetstream.NewWithAPIPrefix(conn, "$JS."+domain+".API", timeout)
}

func (o *Options) options(name string, log *slog.Logger) []nats.Option {
	all := []nats.Option{
		nats.Name(name), nats.MaxReconnects(-1), nats.ReconnectWait(reconnectWait), nats.ReconnectBufSize(-1),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if err != nil {
				log.Warn("connection to NATS is lost, and is made again", "as", name, "error", err)
			}
		}),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { // such as a missing permission
			log.Warn("NATS reports an error", "as", name, "error", err)
		}),
		nats.ReconnectHandler(func(c *nats.Conn) {
			log.Info("connected to NATS again", "as", name, "server", c.ConnectedServerName())
		}),
	}
	if o.Credentials != "" {
		all = append(all, nats.UserCredentials(o.Credentials))
	}
	if o.CA != "" {
		all = append(all, nats.RootCAs(o.CA))
	}
	if o.Certificate != "" {
		all = append(all, nats.ClientCert(o.Certificate, o.Key))
	}
	return all
}

// Named returns err in the reader's words if it is one of the client's that say little.
func Named(err error) error {
	if errors.Is(err, nats.ErrReconnectBufExceeded) || errors.Is(err, nats.ErrConnectionClosed) {
		return errors.New("not connected to NATS")
	}
	return err
}

// Advised adds to an error of JetStream what to do about it.
func Advised(err error) error {
	doing := func(text string) error { return fmt.Errorf("%w: %s", err, text) }
	switch {
	case err == nil:
		return nil
	case errors.Is(err, jetstream.ErrJetStreamNotEnabled), errors.Is(err, jetstream.ErrJetStreamNotEnabledForAccount), errors.Is(err, nats.ErrNoResponders):
		return doing("look at domain, at the section jetstream of the server, and at the leaf node's connection if the domain is another server's")
	case errors.Is(err, jetstream.ErrStreamNotFound):
		return doing("make it, or look at its name and domain")
	case errors.Is(err, nats.ErrTimeout), errors.Is(err, context.DeadlineExceeded):
		return doing("JetStream does not answer: too few servers of its cluster run, or this user may not ask it (permissions)")
	}
	return Named(err)
}
