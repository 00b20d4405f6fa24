package main

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"time"
)

type policyPinCmd struct {
	From string `arg:"" help:"PEM file of a certificate, or host:port of a collector that shows it."`
}

// pinTimeout is the time limit for connecting and the TLS handshake.
const pinTimeout = 10 * time.Second

// Run prints the pin: base64 of the SHA-256 of the SubjectPublicKeyInfo, as in RFC 7469.
func (p *policyPinCmd) Run(ctx context.Context, out *output) error {
	cert, err := p.certificate(ctx)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(cert.RawSubjectPublicKeyInfo)
	fmt.Fprintf(out.stderr, "For %s, until %s:\n", strings.Join(cert.DNSNames, ", "), cert.NotAfter.UTC().Format(time.DateOnly))
	_, err = fmt.Fprintln(out.stdout, base64.StdEncoding.EncodeToString(sum[:]))
	return err
}

func (p *policyPinCmd) certificate(ctx context.Context) (*x509.Certificate, error) {
	f, err := os.Open(p.From)
	if errors.Is(err, os.ErrNotExist) {
		if _, _, split := net.SplitHostPort(p.From); split == nil {
			return shown(ctx, p.From)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("%w (neither a PEM file nor host:port)", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, 1<<20))
	if err != nil {
		return nil, err
	}
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if block.Type == "CERTIFICATE" {
			return x509.ParseCertificate(block.Bytes)
		}
	}
	return nil, fmt.Errorf("%s has no PEM certificate", p.From)
}

// shown returns the certificate that a server presents. The certificate is not verified, so the pin
// is only as trustworthy as the network that it was read over.
func shown(ctx context.Context, address string) (*x509.Certificate, error) {
	ctx, cancel := context.WithTimeout(ctx, pinTimeout)
	defer cancel()
	conn, err := (&tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true}}).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("asking %s for its certificate: %w", address, err)
	}
	defer conn.Close()
	return conn.(*tls.Conn).ConnectionState().PeerCertificates[0], nil
}
