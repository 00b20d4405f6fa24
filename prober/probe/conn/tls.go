package conn

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"

	"github.com/heliograph-net/heliograph/prober/probe"
)

// TLSOptions says which certificate a target must present. The zero value asks for a chain to one
// of the prober's authorities that is valid now and for the target's host.
type TLSOptions struct {
	// ServerName is the name to ask for and to expect; empty: the target's host.
	ServerName string `yaml:"server_name"`

	// RootCAs are the authorities to trust; nil: the prober's.
	RootCAs *x509.CertPool `yaml:"-"`

	// InsecureSkipVerify takes any certificate: it tells only whether the server speaks TLS.
	InsecureSkipVerify bool `yaml:"insecure_skip_verify"`
}

// Config is what [Handshake] needs: for a target at host that speaks one of the protocols (ALPN
// ids).
func (o TLSOptions) Config(host string, env probe.Env, protocols ...string) *tls.Config {
	c := &tls.Config{
		ServerName:         host,
		RootCAs:            o.RootCAs,
		InsecureSkipVerify: o.InsecureSkipVerify,
		NextProtos:         protocols,
		MinVersion:         tls.VersionTLS12,
	}
	if o.ServerName != "" {
		c.ServerName = o.ServerName
	}
	if c.RootCAs == nil {
		c.RootCAs = env.RootCAs
	}
	return c
}

// Handshake secures c in the step StepTLS of a.
func Handshake(ctx context.Context, a *probe.Attempt, c net.Conn, config *tls.Config) (*tls.Conn, error) {
	a.Enter(StepTLS)
	secured := tls.Client(c, config)
	if err := secured.HandshakeContext(ctx); err != nil {
		return nil, err
	}
	return secured, nil
}
