package discover

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
)

// api is an HTTP API.
type api struct {
	base      *url.URL
	header    map[string]string // of every request; empty values are not sent
	client    *http.Client
	transport *http.Transport           // of client
	sign      func(*http.Request) error // nil: requests are not signed
	left      int64                     // bytes that its answers may still have
}

// newAPI returns the API at server, or at standard if that is empty. ca is a file of the
// authorities to trust; empty: the system's.
func newAPI(server, standard, ca string) (*api, error) {
	if server == "" {
		server = standard
	}
	base, err := url.Parse(server)
	if err != nil {
		return nil, err
	}
	conf := &tls.Config{MinVersion: tls.VersionTLS12}
	if ca != "" {
		text, err := os.ReadFile(ca)
		if err != nil {
			return nil, err
		}
		if conf.RootCAs = x509.NewCertPool(); !conf.RootCAs.AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("%s: no certificate in PEM", ca)
		}
	}
	transport := &http.Transport{Proxy: http.ProxyFromEnvironment, TLSClientConfig: conf, ForceAttemptHTTP2: true}
	client := &http.Client{
		Transport: transport,
		// a token belongs to nobody else
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return &api{base: base, header: map[string]string{}, client: client, transport: transport, left: MaxBytes}, nil
}

// direct makes requests go past every proxy.
func (a *api) direct() { a.transport.Proxy = nil }

func (a *api) close() { a.client.CloseIdleConnections() }

// get requests a path and decodes the answer in JSON. The error says what was asked for.
func (a *api) get(ctx context.Context, path string, query url.Values, answer any) error {
	body, err := a.fetch(ctx, http.MethodGet, path, query)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(body, answer); err != nil {
		return fmt.Errorf("%s: not the JSON that is expected: %w", path, err)
	}
	return nil
}

// fetch requests a path and returns the answer. The error says what was asked for.
func (a *api) fetch(ctx context.Context, method, path string, query url.Values) ([]byte, error) {
	u := a.base.JoinPath(path)
	u.RawQuery = query.Encode()
	request, err := http.NewRequestWithContext(ctx, method, u.String(), nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Accept", "application/json, */*;q=0.5")
	for name, value := range a.header {
		if value != "" {
			request.Header.Set(name, value)
		}
	}
	if a.sign != nil {
		if err := a.sign(request); err != nil {
			return nil, err
		}
	}
	response, err := a.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(response.Body, 256)) // what there is of an explanation
		return nil, fmt.Errorf("%s %s: the answer is %s: %s", method, u, response.Status, strings.Join(strings.Fields(string(text)), " "))
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, a.left+1))
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", method, u, err)
	}
	if a.left -= int64(len(body)); a.left < 0 {
		return nil, fmt.Errorf("%s %s: more than %d bytes in all", method, u, MaxBytes)
	}
	return body, nil
}

// readToken returns the text of a file, or "" if there is no file.
func readToken(file string) (string, error) {
	if file == "" {
		return "", nil
	}
	text, err := os.ReadFile(file)
	return strings.TrimSpace(string(text)), err
}

// addLabels adds values, whose names become parts of label names.
func addLabels(labels map[string]string, prefix string, values map[string]string) {
	for name, value := range values {
		labels[prefix+labelName(name)] = value
	}
}

// labelName replaces what the name of a label cannot have.
func labelName(name string) string {
	return strings.Map(func(r rune) rune {
		if r == '_' || r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' {
			return r
		}
		return '_'
	}, name)
}
