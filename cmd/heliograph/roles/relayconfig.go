package roles

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"path/filepath"

	"github.com/heliograph-net/heliograph/internal/httpx"
	"github.com/heliograph-net/heliograph/internal/yamlx"
)

// RelayConfigName is the file name of a relay's configuration. It is a separate file because the
// relay and the collector behind it belong to different operators.
const RelayConfigName = "relay.yaml"

// RelayConfig is the contents of relay.yaml. Relative paths are relative to the file. Absent keys
// have their defaults.
type RelayConfig struct {
	Listen string `yaml:"listen"`
	// prefixes of proxies that begin each connection with a header of the PROXY protocol
	ProxyProtocol []string   `yaml:"proxy_protocol"`
	TLSCert       string     `yaml:"tls_cert"` // PEM file; empty for plain HTTP
	TLSKey        string     `yaml:"tls_key"`
	ACME          ACMEConfig `yaml:"acme"`
	Gateway       string     `yaml:"gateway"` // the collector's origin
	// PEM file of the authority of the collector's certificate; empty for the system's
	GatewayCA string `yaml:"gateway_ca"`
	Collector string `yaml:"collector"` // its id in the policy
	// signs what the relay says about clients; if empty, it says nothing about them
	Key            string       `yaml:"key"`
	SourceRequests float64      `yaml:"source_requests_per_second"`
	MaxRequests    int          `yaml:"max_requests"`
	Operations     ListenConfig `yaml:"operations"`

	Networks      string              `yaml:"networks"` // see heliograph.yaml
	Countries     string              `yaml:"countries"`
	NetworkFields NetworkFieldsConfig `yaml:"network_fields"`

	base Config // for what both configurations share
}

func relayDefaults() RelayConfig {
	return RelayConfig{Listen: "127.0.0.1:8420", Gateway: "http://127.0.0.1:8417", Collector: "c1", Key: "keys/relay.pem",
		Operations: ListenConfig{Listen: "127.0.0.1:8421"}, ACME: ACMEConfig{Cache: "certificates"}}
}

// LoadRelay reads a relay's configuration. Errors name the file, the line and the key.
func LoadRelay(path string) (*RelayConfig, error) {
	text, err := readLimited(path, 1<<20)
	if err != nil {
		return nil, fmt.Errorf("reading the configuration: %w", err)
	}
	c := relayDefaults()
	switch err := yamlx.Decode(path, text, &c); {
	case errors.Is(err, yamlx.ErrEmpty):
		c = relayDefaults()
	case err != nil:
		return nil, err
	}
	c.base = Config{path: path, dir: filepath.Dir(path), text: text, Networks: c.Networks, Countries: c.Countries, NetworkFields: c.NetworkFields}
	return &c, c.validate()
}

// validate returns the faults, joined, of settings that are not checked where they are used.
func (c *RelayConfig) validate() error {
	var errs []error
	bad := func(key, format string, args ...any) {
		errs = append(errs, fmt.Errorf("%s:%s: %s: %s", c.base.path, c.base.line(key), key, fmt.Sprintf(format, args...)))
	}
	for key, listen := range map[string]string{"listen": c.Listen, "operations.listen": c.Operations.Listen} {
		if _, _, err := net.SplitHostPort(listen); err != nil {
			bad(key, "%q is not host:port", listen)
		}
	}
	for i, text := range c.ProxyProtocol {
		if _, err := netip.ParsePrefix(text); err != nil {
			bad(fmt.Sprintf("proxy_protocol[%d]", i), "%q is not a prefix such as 192.0.2.0/24", text)
		}
	}
	if err := httpx.Hosts(c.Operations.Hosts).Check(); err != nil {
		bad("operations.hosts", "%v", err)
	}
	if (c.TLSCert == "") != (c.TLSKey == "") {
		bad("tls_cert", "tls_cert and tls_key go together")
	}
	if c.TLSCert != "" && len(c.ACME.Names) > 0 {
		bad("acme", "give either tls_cert or acme")
	}
	if c.SourceRequests < 0 || c.SourceRequests > 0 && c.SourceRequests < 1 {
		bad("source_requests_per_second", "%v is neither at least 1 nor 0 for the default", c.SourceRequests)
	}
	if c.MaxRequests < 0 {
		bad("max_requests", "must not be negative")
	}
	return errors.Join(errs...)
}
