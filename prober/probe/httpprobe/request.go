package httpprobe

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"

	"golang.org/x/net/http/httpguts"

	"github.com/heliograph-net/heliograph/prober/probe"
	"github.com/heliograph-net/heliograph/prober/probe/conn"
)

// maxRequest is the length of the longest body of a request, in bytes. It fits into a socket's
// buffer, so a server that answers before it reads cannot block the probe.
const maxRequest = 64 << 10

// BasicAuth is basic authentication (RFC 7617).
type BasicAuth struct {
	Username     string `yaml:"username"`
	Password     string `yaml:"password"`
	PasswordFile string `yaml:"password_file"` // a file with the password instead; read once
}

// Authorization is the value of the header Authorization.
type Authorization struct {
	Type        string `yaml:"type"` // empty: Bearer
	Credentials string `yaml:"credentials"`
	// a file with the credentials instead; read once
	CredentialsFile string `yaml:"credentials_file"`
}

// HeaderValues are the values of one header, each a line of its own.
type HeaderValues struct {
	Values  []string `yaml:"values"`
	Secrets []string `yaml:"secrets"` // likewise
	Files   []string `yaml:"files"`   // files with one value each; read once
}

// hop is one request of an attempt. It is immutable.
type hop struct {
	request *http.Request
	wire    []byte       // the request in HTTP/1.1
	tls     *conn.Secure // nil for http
	dialer  *conn.Dialer // looks up the host of a redirect; nil: the attempt's own address
}

// newHop returns a request for u.
func newHop(method string, u *url.URL, header http.Header, body []byte) (*hop, error) {
	request, err := http.NewRequest(method, u.String(), bytes.NewReader(body))
	if err != nil {
		return nil, errors.New("URL or method: cannot be requested")
	}
	request.Header = header.Clone()
	if host := header.Get("Host"); host != "" {
		request.Host = host
	}
	request.Header.Del("Host")
	request.Close = true
	var wire bytes.Buffer
	if err := request.Write(&wire); err != nil {
		return nil, errors.New("URL or headers: cannot be requested")
	}
	return &hop{request: request, wire: wire.Bytes()}, nil
}

// fresh returns a copy of the request whose body has not been read.
func (h *hop) fresh(ctx context.Context) (r *http.Request, err error) {
	r = h.request.Clone(ctx)
	if h.request.GetBody != nil {
		r.Body, err = h.request.GetBody()
	}
	return r, err
}

// prepare makes the request with which every attempt begins.
func (h *httpProbe) prepare(u *url.URL) error {
	o := h.spec
	header, err := o.header(h.env)
	body, bodyErr := o.body(h.env)
	if err := errors.Join(err, bodyErr); err != nil {
		return err
	}
	method := strings.ToUpper(o.Method)
	if method == "" {
		method = http.MethodGet
	}
	first, err := newHop(method, u, header, body)
	if err != nil {
		return err
	}
	if h.first = *first; u.Scheme == "https" {
		h.first.tls = h.tls
	}
	return nil
}

// header returns the request's headers as the options say.
func (o *Options) header(env probe.Env) (http.Header, error) {
	header := http.Header{"User-Agent": {"heliograph-prober"}, "Accept": {"*/*"}}
	if o.Compression != "" {
		header.Set("Accept-Encoding", o.Compression)
	}
	for name, value := range o.Headers {
		if !httpguts.ValidHeaderFieldName(name) || !httpguts.ValidHeaderFieldValue(value) {
			return nil, fmt.Errorf("headers: %q is not a valid header", name)
		}
		header.Set(name, value)
	}
	if err := o.addHeaders(header, env); err != nil {
		return nil, err
	}
	credentials, err := o.credentials(env)
	if err != nil {
		return nil, err
	}
	if credentials != "" {
		header.Set("Authorization", credentials)
	}
	return header, nil
}

// addHeaders adds MoreHeaders. The error does not contain their values.
func (o *Options) addHeaders(header http.Header, env probe.Env) error {
	for name, more := range o.MoreHeaders {
		values := slices.Concat(more.Values, more.Secrets)
		for i, file := range more.Files {
			b, err := os.ReadFile(env.File(file))
			if err != nil {
				return fmt.Errorf("http_headers.%s.files[%d]: %w", name, i, err)
			}
			values = append(values, strings.TrimRight(string(b), "\r\n"))
		}
		for _, value := range values {
			if !httpguts.ValidHeaderFieldName(name) || !httpguts.ValidHeaderFieldValue(value) {
				return fmt.Errorf("http_headers: %q is not a valid header", name)
			}
			header.Add(name, value)
		}
	}
	return nil
}

// credentials returns the value of the header Authorization, or "" for none.
func (o *Options) credentials(env probe.Env) (string, error) {
	switch {
	case o.BasicAuth != nil && o.Authorization != nil:
		return "", errors.New("basic_auth: give either this or authorization, not both")
	case o.BasicAuth != nil:
		b := o.BasicAuth
		password, err := secret("basic_auth.password", b.Password, b.PasswordFile, env)
		if err != nil {
			return "", err
		}
		r := http.Request{Header: http.Header{}}
		r.SetBasicAuth(b.Username, password)
		return r.Header.Get("Authorization"), nil
	case o.Authorization != nil:
		z := o.Authorization
		value, err := secret("authorization.credentials", z.Credentials, z.CredentialsFile, env)
		if err != nil {
			return "", err
		}
		kind := z.Type
		if kind == "" {
			kind = "Bearer"
		}
		if value = kind + " " + value; !httpguts.ValidHeaderFieldValue(value) {
			return "", errors.New("authorization: contains characters that are not allowed in a header")
		}
		return value, nil
	}
	return "", nil
}

// secret returns a value that is given directly or in a file. It removes the file's last line feed.
// The error does not contain the value.
func secret(key, value, file string, env probe.Env) (string, error) {
	if file == "" {
		return value, nil
	}
	if value != "" {
		return "", fmt.Errorf("%s: give either this or %s_file, not both", key, key)
	}
	b, err := os.ReadFile(env.File(file))
	if err != nil {
		return "", fmt.Errorf("%s_file: %w", key, err)
	}
	return strings.TrimRight(string(b), "\r\n"), nil
}

func (o *Options) body(env probe.Env) ([]byte, error) {
	body := []byte(o.Body)
	if o.BodyFile != "" {
		if o.Body != "" {
			return nil, errors.New("body: give either this or body_file, not both")
		}
		var err error
		if body, err = os.ReadFile(env.File(o.BodyFile)); err != nil {
			return nil, fmt.Errorf("body_file: %w", err)
		}
	}
	if len(body) > maxRequest {
		return nil, fmt.Errorf("body: longer than %d bytes", maxRequest)
	}
	return body, nil
}
