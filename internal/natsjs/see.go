package natsjs

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/url"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/heliograph-net/heliograph/report"
)

// seeTimeout is how long a look at one server may take.
const seeTimeout = 5 * time.Second

// Server is what a look at a server found.
type Server struct {
	URL     string // without user and password
	Name    string // as the server calls itself
	Version string
	// Err says in plain words why it cannot be used; nil: it can.
	Err error
}

// See connects to each of the servers by itself, within some seconds, and says what it found. It
// changes nothing. name is what the servers' operator sees.
func (o *Options) See(ctx context.Context, name string) []Server {
	all := make([]Server, len(o.Servers))
	var group sync.WaitGroup
	for i, address := range o.Servers {
		all[i].URL = shown(address)
		group.Go(func() {
			all[i].Name, all[i].Version, all[i].Err = o.seeOne(ctx, address, name)
		})
	}
	group.Wait()
	return all
}

// seeOne looks at one server. The client resolves names without a deadline, so it is not waited for
// beyond that.
func (o *Options) seeOne(ctx context.Context, address, name string) (server, version string, err error) {
	ctx, cancel := context.WithTimeout(ctx, seeTimeout+time.Second)
	defer cancel()
	type answer struct {
		conn *nats.Conn
		err  error
	}
	came := make(chan answer, 1)
	all := append(o.options(name, slog.New(slog.DiscardHandler)), nats.NoReconnect(), nats.Timeout(seeTimeout))
	go func() {
		conn, err := nats.Connect(address, all...)
		came <- answer{conn, err}
	}()
	select {
	case a := <-came:
		if a.err != nil {
			return "", "", o.explained(bare(a.err))
		}
		defer a.conn.Close()
		if a.conn.MaxPayload() < report.MaxEnvelope+HeaderBytes {
			err = tooSmall(a.conn)
		}
		return a.conn.ConnectedServerName(), a.conn.ConnectedServerVersion(), err
	case <-ctx.Done():
		go func() { // it ends with the deadlines of the client
			if a := <-came; a.conn != nil {
				a.conn.Close()
			}
		}()
		return "", "", fmt.Errorf("does not answer within %v: %w", seeTimeout, ctx.Err())
	}
}

// shown returns an address without its user, which may be a token, and without a password.
func shown(address string) string {
	scheme, rest, found := strings.Cut(address, "://")
	if !found {
		scheme, rest = "", address
	} else {
		scheme += "://"
	}
	return scheme + rest[strings.LastIndexByte(rest, '@')+1:]
}

// bare returns an error of the client, but of a URL that cannot be read only that it cannot: the
// client quotes it with its password.
func bare(err error) error {
	if _, ok := errors.AsType[*url.Error](err); ok {
		return errors.New("this is not a URL such as nats://127.0.0.1:4222; special characters in a user or a password are written as %2F")
	}
	return err
}

// explained says in plain words why a connection was not made, and what to look at.
func (o *Options) explained(err error) error {
	var unknown x509.UnknownAuthorityError
	var host x509.HostnameError
	var invalid x509.CertificateInvalidError
	var resolved *net.DNSError
	doing := func(text string) error { return fmt.Errorf("%s: %w", text, err) }
	text := strings.ToLower(err.Error())
	switch {
	case errors.Is(err, nats.ErrNoServers), errors.Is(err, syscall.ECONNREFUSED):
		return doing("nothing listens there, or a firewall refuses")
	case errors.As(err, &resolved):
		return doing("its name has no address")
	case errors.As(err, &unknown):
		if o.CA == "" {
			return doing("its certificate is signed by an authority that this system does not know: name it in ca")
		}
		return doing("its certificate is not signed by an authority in ca")
	case errors.As(err, &host):
		return doing("its certificate is for another name than the one in the URL")
	case errors.As(err, &invalid):
		return doing("its certificate is not valid")
	case errors.Is(err, nats.ErrSecureConnWanted):
		return doing("it has no TLS: write nats:// instead of tls://, or give it a certificate")
	case errors.Is(err, nats.ErrAuthorization), errors.Is(err, nats.ErrAuthExpired), errors.Is(err, nats.ErrAuthRevoked), errors.Is(err, nats.ErrAccountAuthExpired),
		strings.Contains(text, "authorization violation"), strings.Contains(text, "authentication expired"):
		return doing("it refuses this user: look at credentials, at certificate and key, and at the server's users")
	case strings.Contains(text, "certificate required"), strings.Contains(text, "bad certificate"), strings.Contains(text, "unknown certificate"),
		strings.Contains(text, "closed by remote after tls handshake"):
		if o.Certificate == "" {
			return doing("it asks for a certificate of this client: give certificate and key")
		}
		return doing("it does not accept the certificate of this client")
	case errors.Is(err, nats.ErrNoInfoReceived), strings.Contains(text, "expected 'info'"), strings.Contains(text, "first record does not look like a tls handshake"):
		return doing("what listens there is no NATS server, or not its port for clients")
	case errors.Is(err, io.EOF), errors.Is(err, syscall.ECONNRESET):
		return doing("hangs up; is it a NATS server, and its port for clients?")
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, nats.ErrTimeout), strings.Contains(text, "i/o timeout"):
		return doing("does not answer within " + seeTimeout.String() + "; is it a NATS server, and its port for clients?")
	}
	return err
}

// tooSmall says that a server takes only messages that are too short.
func tooSmall(conn *nats.Conn) error {
	return fmt.Errorf("NATS server %s takes messages of at most %d bytes: set its max_payload to at least %d", conn.ConnectedServerName(), conn.MaxPayload(),
		report.MaxEnvelope+HeaderBytes)
}
