package httpprobe

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"

	"golang.org/x/net/http/httpguts"

	"github.com/heliograph-net/heliograph/prober/probe"
	"github.com/heliograph-net/heliograph/prober/probe/conn"
)

// maxRequest is the longest body of a request, in bytes. It fits into a socket's buffer, so that a
// server which answers before it reads cannot block the probe.
const maxRequest = 64 << 10

// BasicAuth is RFC 7617.
type BasicAuth struct {
	Username     string `yaml:"username"`
	Password     string `yaml:"password"`
	PasswordFile string `yaml:"password_file"` // holds the password instead; read once
}

// Authorization is the header of that name.
type Authorization struct {
	Type            string `yaml:"type"` // empty: Bearer
	Credentials     string `yaml:"credentials"`
	CredentialsFile string `yaml:"credentials_file"` // holds them instead; read once
}

// hop is one request of an attempt. It is only read once it is made.
type hop struct {
	request *http.Request
	wire    []byte       // as sent over HTTP/1.1
	tls     *conn.Secure // nil for http
	dialer  *conn.Dialer // that finds the address of a redirect; nil: the attempt's own address
}

// newHop writes the request that goes to u.
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

// prepare writes the request that every attempt begins with.
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

// header is what the options say of the request's headers.
func (o *Options) header(env probe.Env) (http.Header, error) {
	header := http.Header{"User-Agent": {"heliograph-prober"}, "Accept": {"*/*"}}
	for name, value := range o.Headers {
		if !httpguts.ValidHeaderFieldName(name) || !httpguts.ValidHeaderFieldValue(value) {
			return nil, fmt.Errorf("headers: %q is no header", name)
		}
		header.Set(name, value)
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

// credentials are the value of the header Authorization; empty: none.
func (o *Options) credentials(env probe.Env) (string, error) {
	switch {
	case o.BasicAuth != nil && o.Authorization != nil:
		return "", errors.New("basic_auth: cannot stand beside authorization")
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
			return "", errors.New("authorization: has characters that a header cannot have")
		}
		return value, nil
	}
	return "", nil
}

// secret is a value that is given itself or in a file, without the file's last line feed. The error
// does not repeat it.
func secret(key, value, file string, env probe.Env) (string, error) {
	if file == "" {
		return value, nil
	}
	if value != "" {
		return "", fmt.Errorf("%s: cannot stand beside %s_file", key, key)
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
			return nil, errors.New("body: cannot stand beside body_file")
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
