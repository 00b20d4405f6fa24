package roles

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/http"
	"regexp"
	"strconv"
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/heliograph-net/heliograph/heatmap"
	"github.com/heliograph-net/heliograph/internal/httpserve"
	"github.com/heliograph-net/heliograph/internal/httpx"
	"github.com/heliograph-net/heliograph/privacy/keyfile"
	"github.com/heliograph-net/heliograph/prober"
	"github.com/heliograph-net/heliograph/prober/heartbeat"
)

// HeartbeatsConfig is about servers that tell the prober whether they are up, rack by rack.
type HeartbeatsConfig struct {
	Listen string   `yaml:"listen"` // host:port; empty: heartbeats are not taken
	Hosts  []string `yaml:"hosts"`  // names by which it may be asked for, see httpx.Hosts

	TLSCert string `yaml:"tls_cert"` // PEM file; empty for plain HTTP
	TLSKey  string `yaml:"tls_key"`  // PEM file of its private key

	// after its last heartbeat a rack is dead; 0: a minute
	SilentAfter Duration     `yaml:"silent_after"`
	Racks       []RackConfig `yaml:"racks"`
}

// RackConfig is one rack, whose heartbeats have a bit for each server.
type RackConfig struct {
	Name       string `yaml:"name"`
	Key        string `yaml:"key"` // file of the public key that verifies its heartbeats
	Region     string `yaml:"region"`
	DataCentre string `yaml:"data_centre"`
	Cluster    string `yaml:"cluster"`
	Row        string `yaml:"row"` // empty: the rack's name

	// names of the servers in the order of the bits; "web-[01-40]" stands for forty
	Servers []string `yaml:"servers"`
}

var numbered = regexp.MustCompile(`^(.*)\[(\d{1,9})-(\d{1,9})\](.*)$`)

// expand returns the names that a list of servers stands for.
func expand(list []string) (names []string, err error) {
	for _, s := range list {
		m := numbered.FindStringSubmatch(s)
		if m == nil {
			names = append(names, s)
			continue
		}
		// nine digits are always numbers
		first, _ := strconv.Atoi(m[2])
		last, _ := strconv.Atoi(m[3])
		if last < first || last-first >= heatmap.MaxServers-len(names) {
			return nil, fmt.Errorf("%q: want numbers that rise, and at most %d servers", s, heatmap.MaxServers)
		}
		width := 0
		if m[2][0] == '0' {
			width = len(m[2])
		}
		for n := first; n <= last; n++ {
			names = append(names, fmt.Sprintf("%s%0*d%s", m[1], width, n, m[4]))
		}
	}
	if len(names) == 0 {
		return nil, errors.New("must not be empty: list the rack's servers")
	}
	return names, nil
}

func (c *Config) checkHeartbeats(bad complaint) {
	h := &c.Prober.Heartbeats
	if h.Listen != "" {
		if _, _, err := net.SplitHostPort(h.Listen); err != nil {
			bad("prober.heartbeats.listen", "%q is not host:port", h.Listen)
		}
		if c.Prober.Vantage == "" {
			bad("prober.vantage", "must not be empty: heartbeats are signed for it")
		}
	} else if len(h.Racks) > 0 {
		bad("prober.heartbeats.listen", "must not be empty: racks send heartbeats there")
	}
	if err := httpx.Hosts(h.Hosts).Check(); err != nil {
		bad("prober.heartbeats.hosts", "%v", err)
	}
	if (h.TLSCert == "") != (h.TLSKey == "") {
		bad("prober.heartbeats.tls_cert", "tls_cert and tls_key go together")
	}
	if h.SilentAfter.bad != "" || h.SilentAfter.Duration < 0 {
		bad("prober.heartbeats.silent_after", "want a duration, 30s for instance")
	}
	for i := range h.Racks {
		key := fmt.Sprintf("prober.heartbeats.racks[%d]", i)
		if h.Racks[i].Name == "" {
			bad(key+".name", "must not be empty")
		}
		if _, err := expand(h.Racks[i].Servers); err != nil {
			bad(key+".servers", "%v", err)
		}
	}
}

// heartbeats returns the racks and their servers as targets of a prober.
func (c *Config) heartbeats(r *heartbeat.Receiver) (racks []heartbeat.Rack, targets []prober.Target, err error) {
	h := &c.Prober.Heartbeats
	for i := range h.Racks {
		one := &h.Racks[i]
		names, err := expand(one.Servers)
		if err != nil {
			return nil, nil, fmt.Errorf("prober.heartbeats.racks[%d].servers: %w", i, err)
		}
		key, err := readKey(c.dir, one.Key, keyfile.ParsePublicKey)
		if err != nil {
			return nil, nil, fmt.Errorf("prober.heartbeats.racks[%d].key: %w", i, err)
		}
		racks = append(racks, heartbeat.Rack{Name: one.Name, Key: key, Servers: len(names), SilentAfter: h.SilentAfter.Duration})
		for n, name := range names {
			targets = append(targets, prober.Target{Name: name, Region: one.Region, DataCentre: one.DataCentre, Cluster: one.Cluster,
				Row: cmp.Or(one.Row, one.Name), Spec: &heartbeat.Spec{Receiver: r, Rack: one.Name, Server: n}})
		}
	}
	return racks, targets, nil
}

// addHeartbeats adds the listener for heartbeats, if there is to be one.
func (p *Process) addHeartbeats(c *Config, r *heartbeat.Receiver) (err error) {
	type fixed struct{ listen, cert, key string }
	p.reloads.fix(map[string]func(*Config) any{
		// racks, and certificates in the same files, are reloaded
		"prober.heartbeats": func(c *Config) any {
			h := &c.Prober.Heartbeats
			return fixed{h.Listen + " " + strings.Join(h.Hosts, " "), h.TLSCert, h.TLSKey}
		},
	})
	h := &c.Prober.Heartbeats
	if h.Listen == "" {
		return nil
	}
	m := http.NewServeMux()
	m.Handle(heartbeat.Path, r)
	o := httpserve.Options{Name: "heartbeats", Listen: h.Listen, Handler: httpx.Hosts(h.Hosts).Guard(m)}
	files := tlsFiles{cert: c.File(h.TLSCert), key: c.File(h.TLSKey), of: "heartbeats"}
	if o.TLS, err = p.certificates(c, "heartbeats", files); err != nil {
		return fmt.Errorf("prober.heartbeats.%w", err)
	}
	if p.HeartbeatAddr, err = p.listen(endWork, o); err != nil || o.TLS == nil {
		return err
	}
	ends := prometheus.NewGauge(prometheus.GaugeOpts{Name: "heliograph_heartbeat_certificate_expiry_timestamp_seconds",
		Help: "When the certificate of the listener for heartbeats ends; 0 while there is none."})
	p.metrics.MustRegister(ends)
	p.watchCertificate(endWork, "certificate of heartbeats", o.TLS, "", ends)
	return nil
}
