package certs

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"time"
)

// How often Watch looks at a certificate, and how soon again when there is none.
const (
	watchEvery = time.Hour
	watchRetry = time.Minute
)

// Watch tells when the certificate for a name ends, or why there is none: at once, after every
// change that an hourly look finds, and a minute after each failure, until ctx ends. With ACME it
// thereby orders the certificate before the first client comes, which would have to wait for it;
// start it when the listener is there, for the authority will ask it. name may be empty for Files.
func Watch(ctx context.Context, conf *tls.Config, name string, tell func(expires time.Time, err error)) {
	for {
		expires, err := expiry(ctx, conf, name)
		if ctx.Err() != nil {
			return
		}
		tell(expires, err)
		wait := time.NewTimer(watchEvery)
		if err != nil {
			wait.Reset(watchRetry)
		}
		select {
		case <-wait.C:
		case <-ctx.Done():
			wait.Stop()
			return
		}
	}
}

// expiry asks for the certificate as a client with ECDSA does.
func expiry(ctx context.Context, conf *tls.Config, name string) (time.Time, error) {
	type answer struct {
		cert *tls.Certificate
		err  error
	}
	done := make(chan answer, 1)
	go func() { // autocert knows no context; it gives up after five minutes
		cert, err := conf.GetCertificate(&tls.ClientHelloInfo{ServerName: name, CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256}})
		done <- answer{cert, err}
	}()
	select {
	case <-ctx.Done():
		return time.Time{}, ctx.Err()
	case a := <-done:
		if a.err != nil {
			return time.Time{}, fmt.Errorf("no certificate for %s: %w", name, a.err)
		}
		leaf, err := x509.ParseCertificate(a.cert.Certificate[0])
		if err != nil {
			return time.Time{}, fmt.Errorf("reading the certificate for %s: %w", name, err)
		}
		return leaf.NotAfter, nil
	}
}
