// Package post sends JSON to the receivers of alerts.
package post

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/heliograph-net/heliograph/alerts"
)

// maxAnswer is how many bytes of a response are read.
const maxAnswer = 1 << 20

// Client returns an HTTP client that follows no redirects, because the messages are meant for one
// address. If roots is nil, it trusts the system's roots.
func Client(roots *x509.CertPool) *http.Client {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.TLSClientConfig = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	t.MaxIdleConnsPerHost = 1
	return &http.Client{
		Transport:     t,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// JSON posts body to url. Its errors do not contain url, which may be a secret. Any status other
// than 2xx is an error. The error is [alerts.ErrRefused] if the status says that this body is
// wrong.
func JSON(ctx context.Context, c *http.Client, url string, header http.Header, body []byte) error {
	_, err := ask(ctx, c, http.MethodPost, url, header, body)
	return err
}

// Service is like JSON, for services that never answer with a page: one that does is a login, a
// proxy, or a portal of some network, and has confirmed nothing.
func Service(ctx context.Context, c *http.Client, url string, body []byte) error {
	text, err := ask(ctx, c, http.MethodPost, url, nil, body)
	if err == nil && bytes.HasPrefix(bytes.TrimSpace(text), []byte("<")) {
		err = fmt.Errorf("the receiver answers with a web page, as a login or a proxy does, and confirms nothing: %s", excerpt(text))
	}
	return err
}

// Value posts a value as JSON. Its errors are those of JSON.
func Value(ctx context.Context, c *http.Client, url string, value any) error {
	body, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("encoding: %w", err)
	}
	return JSON(ctx, c, url, nil, body)
}

// Get decodes the JSON at url, of at most a mebibyte. Its errors are those of JSON.
func Get(ctx context.Context, c *http.Client, url string, into any) error {
	text, err := ask(ctx, c, http.MethodGet, url, nil, nil)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, into); err != nil {
		return fmt.Errorf("reading the answer: %w", err)
	}
	return nil
}

// Do sends a request without a body. Its errors are those of JSON.
func Do(ctx context.Context, c *http.Client, method, url string) error {
	_, err := ask(ctx, c, method, url, nil, nil)
	return err
}

func ask(ctx context.Context, c *http.Client, method, url string, header http.Header, body []byte) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return nil, errors.New("posting: the URL is not valid")
	}
	if header != nil {
		req.Header = header
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	req.Header.Set("User-Agent", "heliograph-alerts")
	resp, err := c.Do(req)
	if errors.Is(err, context.DeadlineExceeded) {
		return nil, fmt.Errorf("posting: the receiver has not answered in time: %w", bare(err))
	}
	if err != nil {
		return nil, fmt.Errorf("posting: %w", bare(err))
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return nil, fmt.Errorf("posting: reading the answer: %w", err)
	}
	return text, judge(resp, text)
}

// bare returns an error of package net/http without the URL.
func bare(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		return e.Err
	}
	return err
}

// judge returns the error that a response stands for.
func judge(resp *http.Response, text []byte) error {
	if resp.StatusCode/100 == 2 {
		return nil
	}
	err := error(&answer{resp.StatusCode, fmt.Sprintf("the receiver answers %s: %s", resp.Status, excerpt(text))})
	if RefusesMessage(resp.StatusCode) {
		return fmt.Errorf("%w: %w", alerts.ErrRefused, err)
	}
	if after := retryAfter(resp.Header.Get("Retry-After")); after > 0 {
		return &alerts.LaterError{After: after, Err: err}
	}
	return err
}

// RefusesMessage reports whether a status says that this message is wrong, so that another one may
// be taken. Others of 4xx are about the receiver: a secret that is not valid, a hook that is gone,
// a proxy that does not find it for a while. All messages get them, until it is mended.
func RefusesMessage(status int) bool {
	switch status {
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity:
		return true
	}
	return false
}

// answer is a response other than 2xx.
type answer struct {
	status int
	text   string
}

func (a *answer) Error() string   { return a.text }
func (a *answer) HTTPStatus() int { return a.status }

// retryAfter parses the Retry-After header in either of its forms. It returns 0 if the header is
// missing or invalid.
func retryAfter(value string) time.Duration {
	if seconds, err := strconv.Atoi(value); err == nil {
		return time.Duration(min(max(seconds, 0), 86400)) * time.Second
	}
	if at, err := http.ParseTime(value); err == nil {
		return max(time.Until(at), 0)
	}
	return 0
}

// excerpt returns the beginning of a response in one line.
func excerpt(text []byte) string {
	line := strings.Join(strings.Fields(strings.ToValidUTF8(string(text[:min(len(text), 200)]), "")), " ")
	if line == "" {
		return "nothing else"
	}
	return strconv.Quote(line)
}
