// Command sentry is nethttp with sentry-go inside.
package main

import (
	"io"
	"log"
	"net/http"
	"os"
	"time"

	"github.com/getsentry/sentry-go"
	sentryhttpclient "github.com/getsentry/sentry-go/httpclient"
)

func main() {
	if err := sentry.Init(sentry.ClientOptions{Dsn: "https://key@sentry.example/1", EnableTracing: true}); err != nil {
		log.Fatal(err)
	}
	defer sentry.Flush(2 * time.Second)
	client := &http.Client{Transport: sentryhttpclient.NewSentryRoundTripper(nil)}

	resp, err := client.Get(os.Args[1])
	if err != nil {
		sentry.CaptureException(err)
		return
	}
	defer resp.Body.Close()
	_, _ = io.Copy(os.Stdout, resp.Body)
}
