package roles

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/heliograph-net/heliograph/dashboards/access"
	"github.com/heliograph-net/heliograph/internal/netaddr"
)

// DashboardConfig is the listener of the dashboard, and who may look at it.
type DashboardConfig struct {
	Listen string   `yaml:"listen"` // host:port
	Hosts  []string `yaml:"hosts"`  // names by which it may be reached, see httpx.Hosts
	// least number of distinct clients of a cell that is shown; 1 shows everything
	LeastClients int `yaml:"least_clients"`

	// address of a sample's trace in the service's own tracing, see dashboards.CheckTraceURL;
	// empty for none
	TraceURL string `yaml:"trace_url"`
	// two letters of the country that a vantage of probers is in, by the vantage's id, for the map
	Vantages map[string]string `yaml:"vantages"`

	TLSCert string `yaml:"tls_cert"` // PEM file; empty for plain HTTP
	TLSKey  string `yaml:"tls_key"`
	// where people find it, such as https://status.example; with https, cookies go over TLS only
	URL   string       `yaml:"url"`
	Users []UserConfig `yaml:"users"`
	Proxy ProxyConfig  `yaml:"proxy"`
	OIDC  OIDCConfig   `yaml:"oidc"`
}

// UserConfig is a person with a password; see access.User.
type UserConfig struct {
	Name     string `yaml:"name"`
	Role     string `yaml:"role"`
	Password string `yaml:"password"` // its hash, from heliograph password
}

// ProxyConfig is a proxy that knows people; see access.Proxy.
type ProxyConfig struct {
	Addresses []string `yaml:"addresses"` // prefixes
	Header    string   `yaml:"header"`
	Operators []string `yaml:"operators"`
}

// OIDCConfig is a provider that knows people; see access.OIDC.
type OIDCConfig struct {
	Issuer       string   `yaml:"issuer"`
	ClientID     string   `yaml:"client_id"`
	ClientSecret string   `yaml:"client_secret"` // file with it
	Viewers      []string `yaml:"viewers"`
	Operators    []string `yaml:"operators"`
}

// needsLogin reports whether people have to log in, because some are named.
func (d *DashboardConfig) needsLogin() bool {
	return len(d.Users)+len(d.Proxy.Addresses) > 0 || d.OIDC.Issuer != ""
}

// checkDashboard checks that the dashboard is open to nobody but people of this host, or to those
// who log in.
func (c *Config) checkDashboard(bad complaint) {
	d := &c.Dashboard
	switch {
	case d.TLSCert != "" && d.TLSKey == "":
		bad("dashboard.tls_key", "is missing: tls_cert needs the private key of its certificate")
	case d.TLSCert == "" && d.TLSKey != "":
		bad("dashboard.tls_cert", "is missing: tls_key needs its certificate")
	}
	if d.URL != "" && !strings.HasPrefix(d.URL, "https://") && !strings.HasPrefix(d.URL, "http://") {
		bad("dashboard.url", "%q is not the http or https URL at which people find the dashboard", d.URL)
	}
	for i, text := range d.Proxy.Addresses {
		if _, err := netip.ParsePrefix(text); err != nil {
			bad(fmt.Sprintf("dashboard.proxy.addresses[%d]", i), "%q is not a prefix such as 192.0.2.0/24", text)
		}
	}
	if err := d.open(); err != nil {
		bad("dashboard.listen", "%v", err)
	}
}

// open returns an error if anybody could look without a login.
func (d *DashboardConfig) open() error {
	if d.needsLogin() || netaddr.LoopbackHost(d.Listen) {
		return nil
	}
	return fmt.Errorf("%s is open to everybody who reaches it: listen on 127.0.0.1, or say who may look by dashboard.users, proxy or oidc (docs/access.md)", d.Listen)
}

// accessSettings returns who may look at the dashboard.
func (c *Config) accessSettings() (s access.Settings, err error) {
	d := &c.Dashboard
	for _, u := range d.Users {
		s.Users = append(s.Users, access.User{Name: u.Name, Role: access.Role(u.Role), Hash: u.Password})
	}
	s.Proxy = access.Proxy{Header: d.Proxy.Header, Operators: d.Proxy.Operators}
	if s.Proxy.Addresses, err = prefixes(d.Proxy.Addresses); err != nil {
		return s, fmt.Errorf("dashboard.proxy: %w", err)
	}
	if d.OIDC.Issuer == "" {
		return s, nil
	}
	s.OIDC = &access.OIDC{Issuer: d.OIDC.Issuer, ClientID: d.OIDC.ClientID, Viewers: d.OIDC.Viewers, Operators: d.OIDC.Operators}
	if d.OIDC.ClientSecret != "" {
		secret, err := readLimited(c.File(d.OIDC.ClientSecret), 4096)
		if err != nil {
			return s, fmt.Errorf("dashboard.oidc.client_secret: %w", err)
		}
		s.OIDC.ClientSecret = strings.TrimSpace(string(secret))
	}
	return s, nil
}

// gate returns what stands before the dashboard; nil if nobody needs to log in.
func (p *Process) gate(c *Config) (*access.Gate, error) {
	if !c.Dashboard.needsLogin() {
		return nil, c.Dashboard.open()
	}
	s, err := c.accessSettings()
	if err != nil {
		return nil, err
	}
	g, err := access.New(access.Options{Settings: s, URL: c.Dashboard.URL, Audit: p.log})
	if err != nil {
		return nil, fmt.Errorf("dashboard: %w", err)
	}
	return g, nil
}
