package ingest

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net"
	"time"
)

// Transport is how uploads reach a server.
type Transport string

// The transports.
const (
	Plain   Transport = "plain"   // connections are kept, without TLS
	Fresh   Transport = "fresh"   // a TLS 1.3 connection for each upload, as agents have it
	Resumed Transport = "resumed" // likewise, each but the first resuming a session
)

// serverName is in the servers' certificate.
const serverName = "collector.example"

// serverTLS is for a server that nobody has to trust; nil for Plain.
func (t Transport) serverTLS() (*tls.Config, error) {
	if t == Plain {
		return nil, nil
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{serverName}, NotAfter: time.Now().Add(24 * time.Hour)}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	return &tls.Config{MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{{Certificate: [][]byte{cert}, PrivateKey: key}}}, nil
}

// dialer returns how one client connects.
func (t Transport) dialer() func(ctx context.Context, addr string) (net.Conn, error) {
	plain := &net.Dialer{}
	if t == Plain {
		return func(ctx context.Context, addr string) (net.Conn, error) { return plain.DialContext(ctx, "tcp", addr) }
	}
	// the certificate is as unknown as it is irrelevant here, and checking it is the client's work
	c := &tls.Config{MinVersion: tls.VersionTLS13, ServerName: serverName, InsecureSkipVerify: true}
	if t == Resumed {
		c.ClientSessionCache = tls.NewLRUClientSessionCache(1)
	}
	d := &tls.Dialer{NetDialer: plain, Config: c}
	return func(ctx context.Context, addr string) (net.Conn, error) { return d.DialContext(ctx, "tcp", addr) }
}
