package roles

import (
	"time"

	"github.com/heliograph-net/heliograph/cmd/heliograph/doctor"
	"github.com/heliograph-net/heliograph/internal/netaddr"
	"github.com/heliograph-net/heliograph/privacy/keyfile"
)

// Check checks everything that a relay's valid configuration names, as [Config.Check] does for the
// other roles.
func (c *RelayConfig) Check(now time.Time) []doctor.Finding {
	k := &checker{Config: &c.base, now: now}
	if c.Key == "" {
		k.add(doctor.Warning, "key", "is empty: the collector learns the network and country of no client")
	} else if _, err := readKey(k.dir, c.Key, keyfile.ParseSigningKey); err != nil {
		k.bad("key", err)
	} else {
		k.secret("key", c.Key)
	}
	switch {
	case c.TLSCert != "":
		k.files("", c.TLSCert, c.TLSKey)
	case !netaddr.LoopbackHost(c.Listen) && len(c.ACME.Names) == 0:
		k.add(doctor.Warning, "listen", "%s is not loopback, and there is no certificate: agents connect by https only", c.Listen)
	}
	if _, err := loadRoots(k.File(c.GatewayCA)); err != nil {
		k.bad("gateway_ca", err)
	}
	k.networks()
	return k.findings()
}
