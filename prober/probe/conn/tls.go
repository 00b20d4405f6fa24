package conn

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"time"

	"github.com/heliograph-net/heliograph/prober/probe"
)

// TLSOptions says which certificate a target must present, and which one the prober presents. The
// zero value requires a chain to one of the prober's authorities that is valid now and for the
// target's host. File names are relative to [probe.Env.Dir].
type TLSOptions struct {
	// ServerName is the name to request (SNI) and to verify; empty: the target's host.
	ServerName string `yaml:"server_name"`

	// RootCAs are the authorities to trust; nil: the prober's.
	RootCAs *x509.CertPool `yaml:"-"`

	// CAFile is a PEM file with the only authorities to trust. Empty: RootCAs.
	CAFile string `yaml:"ca_file"`

	// CertFile and KeyFile are PEM files with the prober's own certificate and key. Empty: none.
	CertFile string `yaml:"cert_file"`
	KeyFile  string `yaml:"key_file"`

	// MinVersion and MaxVersion are TLS10, TLS11, TLS12 or TLS13. Empty: at least TLS12.
	MinVersion string `yaml:"min_version"`
	MaxVersion string `yaml:"max_version"`

	// InsecureSkipVerify accepts any certificate: the probe then says only whether the server
	// speaks TLS.
	InsecureSkipVerify bool `yaml:"insecure_skip_verify"`

	// WarnDays is how many days before a certificate expires its probes begin to warn. 0: a third
	// of its lifetime, at most [MaxWarning]. Negative: never.
	WarnDays int `yaml:"warn_days"`
}

// MaxWarning is how long before a certificate expires its probes begin to warn at the earliest,
// unless TLSOptions.WarnDays says otherwise.
const MaxWarning = 21 * day

const day = 24 * time.Hour

// Secure makes the TLS handshakes with one target. It is immutable and safe for concurrent use.
type Secure struct {
	config *tls.Config
	warn   time.Duration // 0: as MaxWarning says; negative: never
}

// Secure returns a [Secure] for a target at host that speaks one of the protocols (ALPN ids).
func (o TLSOptions) Secure(host string, env probe.Env, protocols ...string) (*Secure, error) {
	c := &tls.Config{
		ServerName:         host,
		RootCAs:            o.RootCAs,
		InsecureSkipVerify: o.InsecureSkipVerify,
		NextProtos:         protocols,
	}
	if o.ServerName != "" {
		c.ServerName = o.ServerName
	}
	if c.RootCAs == nil {
		c.RootCAs = env.RootCAs
	}
	if err := errors.Join(o.loadFiles(c, env), o.setVersions(c)); err != nil {
		return nil, err
	}
	return &Secure{config: c, warn: time.Duration(o.WarnDays) * day}, nil
}

func (o TLSOptions) loadFiles(c *tls.Config, env probe.Env) error {
	if o.CAFile != "" {
		pem, err := os.ReadFile(env.File(o.CAFile))
		if err != nil {
			return fmt.Errorf("tls_config.ca_file: %w", err)
		}
		if c.RootCAs = x509.NewCertPool(); !c.RootCAs.AppendCertsFromPEM(pem) {
			return errors.New("tls_config.ca_file: holds no certificate in PEM")
		}
	}
	switch {
	case o.CertFile == "" && o.KeyFile == "":
		return nil
	case o.CertFile == "" || o.KeyFile == "":
		return errors.New("tls_config: cert_file and key_file belong together")
	}
	own, err := tls.LoadX509KeyPair(env.File(o.CertFile), env.File(o.KeyFile))
	if err != nil {
		return fmt.Errorf("tls_config.cert_file, key_file: %w", err)
	}
	c.Certificates = []tls.Certificate{own}
	return nil
}

func (o TLSOptions) setVersions(c *tls.Config) error {
	versions := map[string]uint16{"TLS10": tls.VersionTLS10, "TLS11": tls.VersionTLS11, "TLS12": tls.VersionTLS12, "TLS13": tls.VersionTLS13}
	var known bool
	if c.MinVersion, known = versions[o.MinVersion]; !known && o.MinVersion != "" {
		return errors.New("tls_config.min_version: want TLS10, TLS11, TLS12 or TLS13")
	}
	if c.MaxVersion, known = versions[o.MaxVersion]; !known && o.MaxVersion != "" {
		return errors.New("tls_config.max_version: want TLS10, TLS11, TLS12 or TLS13")
	}
	if c.MinVersion == 0 {
		c.MinVersion = tls.VersionTLS12
		if c.MaxVersion != 0 {
			c.MinVersion = min(c.MinVersion, c.MaxVersion)
		}
	}
	if c.MaxVersion != 0 && c.MinVersion > c.MaxVersion {
		return errors.New("tls_config.max_version: lower than min_version")
	}
	return nil
}

// For returns a copy of s for another host. It does not present the prober's certificate.
func (s *Secure) For(host string) *Secure {
	other := &Secure{config: s.config.Clone(), warn: s.warn}
	other.config.ServerName, other.config.Certificates = host, nil
	return other
}

// Handshake makes the handshake over c in the step [StepTLS] of a and records when the
// certificate expires.
func (s *Secure) Handshake(ctx context.Context, a *probe.Attempt, c net.Conn) (*tls.Conn, error) {
	a.Enter(StepTLS)
	secured := tls.Client(c, s.config)
	if err := secured.HandshakeContext(ctx); err != nil {
		return nil, err
	}
	state := secured.ConnectionState()
	s.Record(a, &state)
	return secured, nil
}

// Config returns the configuration for a handshake that the caller makes itself, over QUIC.
// [Secure.Record] belongs after it.
func (s *Secure) Config() *tls.Config {
	c := s.config.Clone()
	c.MinVersion = tls.VersionTLS13 // RFC 9001, section 4.2
	return c
}

// Record records what a handshake has found in a: when the certificate expires, and details.
func (s *Secure) Record(a *probe.Attempt, state *tls.ConnectionState) {
	s.note(&a.Result, state, time.Now())
	details(a, state)
}

// details adds what blackbox_exporter tells of a handshake.
func details(a *probe.Attempt, state *tls.ConnectionState) {
	leaf := state.PeerCertificates[0]
	earliest := leaf.NotAfter
	for _, c := range state.PeerCertificates {
		if c.NotAfter.Before(earliest) {
			earliest = c.NotAfter
		}
	}
	a.Detail("ssl_earliest_cert_expiry", float64(earliest.Unix()), nil)
	// without verification this is the year 1, as blackbox_exporter has it
	a.Detail("ssl_last_chain_expiry_timestamp_seconds", float64(chainsEnd(state.VerifiedChains).Unix()), nil)
	fingerprint := sha256.Sum256(leaf.Raw)
	a.Detail("ssl_last_chain_info", 1, map[string]string{
		"fingerprint_sha256": hex.EncodeToString(fingerprint[:]), "subject": leaf.Subject.String(), "issuer": leaf.Issuer.String(),
		"subjectalternative": strings.Join(leaf.DNSNames, ","), "serialnumber": hex.EncodeToString(leaf.SerialNumber.Bytes()),
	})
	a.Detail("tls_version_info", 1, map[string]string{"version": tls.VersionName(state.Version)})
	a.Detail("tls_cipher_info", 1, map[string]string{"cipher": tls.CipherSuiteName(state.CipherSuite)})
}

// note records when the server's chain expires, and a warning if that is soon.
func (s *Secure) note(r *probe.Result, state *tls.ConnectionState, now time.Time) {
	leaf := state.PeerCertificates[0]
	r.CertificateEnds = leaf.NotAfter
	if len(state.VerifiedChains) > 0 {
		r.CertificateEnds = chainsEnd(state.VerifiedChains)
	}
	warn := s.warn
	if warn == 0 {
		warn = min(leaf.NotAfter.Sub(leaf.NotBefore)/3, MaxWarning)
	}
	left := r.CertificateEnds.Sub(now)
	switch {
	case left >= warn:
	case left < 0:
		r.Warning = "the certificate has ended" // nobody verifies it
	case left < 2*day:
		r.Warning = fmt.Sprintf("the certificate ends in %d hours", int(left.Hours()))
	default:
		r.Warning = fmt.Sprintf("the certificate ends in %d days", int(left/day))
	}
}

// chainsEnd returns when the last of the chains expires. A chain expires when the first of its
// certificates does.
func chainsEnd(chains [][]*x509.Certificate) (last time.Time) {
	for _, chain := range chains {
		ends := chain[0].NotAfter
		for _, c := range chain {
			if c.NotAfter.Before(ends) {
				ends = c.NotAfter
			}
		}
		if ends.After(last) {
			last = ends
		}
	}
	return last
}
