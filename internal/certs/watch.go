package certs

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"time"
)

// Times between two checks of a certificate, and before the next attempt if there is none.
const (
	watchEvery = time.Hour
	watchRetry = time.Minute
)

// Watch calls tell with the time at which the certificate for name expires, or with the reason why
// there is none. It does so at once, after each change that an hourly check finds, and a minute
// after each failure, until ctx ends. With [ACME], Watch orders the certificate before the first
// client has to wait for it. The listener must be running by then, because the authority connects
// to it. With [Files], name may be empty.
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
