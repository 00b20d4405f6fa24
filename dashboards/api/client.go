package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Root is the path that the paths of all routes start with.
const Root = "/api/v1"

const (
	// MaxAnswer is the greatest length of an answer in bytes; a longer one is an error.
	MaxAnswer = 64 << 20
	// defaultTimeout is the time to wait for an answer if NewClient was given no HTTP client.
	defaultTimeout = 30 * time.Second
	maxProblem     = 64 << 10 // bytes of an error's body
)

// ErrUnreachable is returned, wrapped, if there was no answer. The error that wraps it says why.
var ErrUnreachable = errors.New("no answer")

// Client sends queries to a dashboard. Make one with [NewClient]. It is safe for concurrent use.
//
// The error of a method is an *[Error] if the dashboard answered with a status other than 200, and
// wraps [ErrUnreachable] if it did not answer.
type Client struct {
	base *url.URL
	http *http.Client
}

// NewClient returns a client for the dashboard at a base URL such as "http://127.0.0.1:8418". If
// the URL has a path, it is put before [Root]. If client is nil, the Client uses one that waits
// 30 seconds for an answer.
func NewClient(base string, client *http.Client) (*Client, error) {
	u, err := url.Parse(base)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return nil, fmt.Errorf("%q is not a URL such as http://127.0.0.1:8418", base)
	}
	if client == nil {
		client = &http.Client{Timeout: defaultTimeout}
	}
	return &Client{u, client}, nil
}

// Get requests a path below [Root], such as "/totals", and returns the body of the answer
// unchanged. The other methods decode it.
func (c *Client) Get(ctx context.Context, path string, query url.Values) ([]byte, error) {
	body, _, err := c.GetShown(ctx, path, query)
	return body, err
}

// GetShown is like Get. It also returns how many cells the answer leaves out, because they are of
// fewer clients than the dashboard shows.
func (c *Client) GetShown(ctx context.Context, path string, query url.Values) (body []byte, suppressed int, err error) {
	u := c.base.JoinPath(Root, path)
	u.RawQuery = query.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, 0, err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, 0, fmt.Errorf("asking the dashboard: %w: %w", ErrUnreachable, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, 0, problemOf(resp, u.RequestURI())
	}
	body, err = io.ReadAll(io.LimitReader(resp.Body, MaxAnswer+1))
	switch {
	case err != nil:
		return nil, 0, fmt.Errorf("reading the dashboard's answer to %s: %w", u.RequestURI(), err)
	case len(body) > MaxAnswer:
		return nil, 0, fmt.Errorf("the dashboard's answer to %s is longer than %d bytes", u.RequestURI(), MaxAnswer)
	}
	suppressed, _ = strconv.Atoi(resp.Header.Get(SuppressedHeader)) // older dashboards have none
	return body, suppressed, nil
}

// problemOf returns the error that an answer describes. The answer of a proxy may not be JSON.
func problemOf(resp *http.Response, path string) error {
	e := &Error{Path: path, Status: resp.StatusCode}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxProblem))
	if err == nil && json.Unmarshal(body, &e.Problem) != nil {
		e.Problem = Problem{Error: strings.TrimSpace(string(body[:min(len(body), 200)]))}
	}
	return e
}

// ask is like Get and decodes the answer.
func ask[T any](ctx context.Context, c *Client, path string, query url.Values) (answer T, err error) {
	body, err := c.Get(ctx, path, query)
	if err != nil {
		return answer, err
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return answer, fmt.Errorf("reading the dashboard's answer to %s: %w", path, err)
	}
	return answer, nil
}

// post sends a body to a path below [Root], whose parts are given, and decodes the answer.
func post[T any](ctx context.Context, c *Client, body any, path ...string) (answer T, err error) {
	text, err := json.Marshal(body)
	if err != nil {
		return answer, err
	}
	u := c.base.JoinPath(append([]string{Root}, path...)...)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), bytes.NewReader(text))
	if err != nil {
		return answer, err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := c.http.Do(req)
	if err != nil {
		return answer, fmt.Errorf("asking the dashboard: %w: %w", ErrUnreachable, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return answer, problemOf(resp, u.RequestURI())
	}
	if err := json.NewDecoder(http.MaxBytesReader(nil, resp.Body, maxProblem)).Decode(&answer); err != nil {
		return answer, fmt.Errorf("reading the dashboard's answer to %s: %w", u.RequestURI(), err)
	}
	return answer, nil
}
