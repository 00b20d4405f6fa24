package tlsprobe_test

import (
	"context"
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"net/http/httptest"
	"time"

	"github.com/heliograph-net/heliograph/prober/probe"
	"github.com/heliograph-net/heliograph/prober/probe/conn"
	"github.com/heliograph-net/heliograph/prober/probe/tlsprobe"
)

// The server's certificate is for example.com, and no authority of the system's signed it.
func Example() {
	server := httptest.NewUnstartedServer(nil)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	defer server.Close()
	authority := x509.NewCertPool()
	authority.AddCert(server.Certificate())

	for _, tls := range []conn.TLSOptions{
		{ServerName: "example.com", RootCAs: authority},
		{ServerName: "shop.example", RootCAs: authority},
		{ServerName: "example.com", RootCAs: x509.NewCertPool()},
	} {
		target := &tlsprobe.Options{Target: server.Listener.Addr().String(), TLS: tls}
		attempt, err := target.Probe(probe.Env{})
		if err != nil {
			log.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		result, err := attempt(ctx)
		cancel()
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(result.Outcome)
	}
	// Output:
	// ok
	// tls.cert.name_invalid
	// tls.cert.authority_invalid
}
