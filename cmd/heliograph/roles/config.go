// Package roles assembles the packages of Heliograph into the processes that operators run. It
// reads the configuration ([Load]), makes data directories ([Init]), and builds collector,
// detector, prober and dashboard ([New]). Start with [Load] and [New].
package roles

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/heliograph-net/heliograph/collector"
	"github.com/heliograph-net/heliograph/collector/inboxes"
	"github.com/heliograph-net/heliograph/dashboards/api"
	"github.com/heliograph-net/heliograph/detector/stores"
	"github.com/heliograph-net/heliograph/internal/yamlx"
	"github.com/heliograph-net/heliograph/model"
)

// ConfigName is the file name of the configuration in a data directory.
const ConfigName = "heliograph.yaml"

const maxConfig = 8 << 20 // bytes; a list of 100,000 targets is about 8 MiB

// Config is the contents of heliograph.yaml. Relative paths are relative to the file. Absent keys
// have their defaults.
type Config struct {
	Collector  CollectorConfig `yaml:"collector"`
	Detector   DetectorConfig  `yaml:"detector"`
	Prober     ProberConfig    `yaml:"prober"`
	Alerts     AlertsConfig    `yaml:"alerts"`
	Dashboard  DashboardConfig `yaml:"dashboard"`
	Operations ListenConfig    `yaml:"operations"`
	Status     StatusConfig    `yaml:"status"`
	// table of networks (TSV of start, end, ASN, country and name) or MaxMind database; empty means
	// that all networks are unknown (AS0, ZZ)
	Networks string `yaml:"networks"`
	// MaxMind database whose countries override those of networks; may be empty
	Countries string `yaml:"countries"`

	NetworkFields NetworkFieldsConfig `yaml:"network_fields"`

	OTLP OTLPConfig `yaml:"otlp"`

	path string // path of the file, for errors
	dir  string // what relative paths are relative to
	text []byte // for finding the line of an invalid key
}

// NetworkFieldsConfig names the fields of MaxMind databases, as keys separated by dots. Empty names
// mean the fields of MaxMind's own databases.
type NetworkFieldsConfig struct {
	ASN     string `yaml:"asn"`
	Country string `yaml:"country"`
	Name    string `yaml:"name"`
}

// ListenConfig is a listener for operators.
type ListenConfig struct {
	Listen string   `yaml:"listen"` // host:port
	Hosts  []string `yaml:"hosts"`  // names by which it may be reached, see httpx.Hosts
}

// CollectorConfig is the part for the collector.
type CollectorConfig struct {
	ID         string     `yaml:"id"`
	Listen     string     `yaml:"listen"`
	TLSCert    string     `yaml:"tls_cert"` // PEM file; empty for plain HTTP
	TLSKey     string     `yaml:"tls_key"`
	ACME       ACMEConfig `yaml:"acme"`
	ReceiptKey string     `yaml:"receipt_key"` // signs receipts
	// public keys of the detectors that may read the feed
	FeedKeys []string `yaml:"feed_keys"`
	// keys of the Oblivious HTTP gateway, newest first; empty for no gateway
	ObliviousKeys []string `yaml:"oblivious_keys"`
	// public keys of relays whose statements about their clients' networks are trusted
	RelayKeys []string `yaml:"relay_keys"`
	Policy    string   `yaml:"policy"`
	// a path, or a kind and its settings
	Inbox    inboxes.Config `yaml:"inbox"`
	MaxBytes int64          `yaml:"inbox_max_bytes"`
	// prefixes of the TCP proxies in front of the collector, which send the PROXY protocol
	ProxyProtocol []string `yaml:"proxy_protocol"`
	// prefixes of the proxies in front of the collector
	TrustedProxies []string `yaml:"trusted_proxies"`
	// header in which those proxies put the client's address
	ForwardedHeader string `yaml:"forwarded_header"`
	// of one client network; 0: the default
	SourceRequests float64 `yaml:"source_requests_per_second"`
	SourceBytes    float64 `yaml:"source_bytes_per_second"`
	NewSources     float64 `yaml:"new_sources_per_second"`
	// part of the inbox in use at which agents are asked to come later; 0: the default
	SlowDownAt float64 `yaml:"slow_down_at"`
	// greatest age of batches that not all detectors have acknowledged; older ones are dropped
	MaxAge Duration `yaml:"inbox_max_age"`

	// by type; for the default see collector.Settings.BrowserReports
	BrowserReports map[string]collector.Handling `yaml:"browser_reports"`
	// keep the server_ip of browsers' reports
	BrowserServerAddress bool `yaml:"browser_server_address"`
	// project whose errors are taken from SDKs of Sentry; empty for none
	Sentry SentryConfig `yaml:"sentry"`
}

// SentryConfig is a project of Sentry's SDKs; see collector.SentryProject.
type SentryConfig struct {
	Project string `yaml:"project"`
	Key     string `yaml:"key"`
	App     string `yaml:"app"`
}

// ACMEConfig configures certificates from an ACME authority. By using it, the operator agrees to
// the authority's terms of service.
type ACMEConfig struct {
	Names     []string `yaml:"names"`     // host names of this collector; empty for no ACME
	Cache     string   `yaml:"cache"`     // directory for the account's key and certificates
	Directory string   `yaml:"directory"` // URL; empty for Let's Encrypt
	Email     string   `yaml:"email"`
	// PEM file of the authority of the directory's own certificate; empty for the system's
	CA string `yaml:"ca"`
}

// DetectorConfig is the part for the detector.
type DetectorConfig struct {
	Store    stores.Config `yaml:"store"`
	OpenKeys []string      `yaml:"open_keys"`
	FeedKey  string        `yaml:"feed_key"` // signs requests to remote feeds
	Feeds    []FeedConfig  `yaml:"feeds"`    // remote collectors
	// PEM file of the authority that the feeds' certificates come from; empty for the system's
	FeedCA     string   `yaml:"feed_ca"`
	MaxBytes   int64    `yaml:"store_max_bytes"`
	Bin        Duration `yaml:"bin"`
	Grace      Duration `yaml:"grace"`
	MinClients int      `yaml:"min_clients"`
	MinExcess  float64  `yaml:"min_excess"`
	MinRatio   float64  `yaml:"min_ratio"`
	Lapse      int      `yaml:"-"` // see detector.Options; for demonstrations. 0 means 1
	// directory for the history of the heat map, with a frame a minute for a month; empty for none
	MapHistory string `yaml:"map_history"`
	// ids of the vantages whose results are accepted through collectors
	Vantages []string `yaml:"vantages"`
	// number of networks whose vantages must find a server down before the heat map shows it as
	// down
	VantagesAgree int               `yaml:"vantages_agree"`
	Objectives    []ObjectiveConfig `yaml:"objectives"`
	// detectors that read the same batches and share the work of opening them; nil for none
	Group *GroupConfig `yaml:"group"`
}

// GroupConfig says which member of which group a detector is, and where the group meets.
type GroupConfig struct {
	ID          string   `yaml:"id"`
	Member      string   `yaml:"member"`
	Servers     []string `yaml:"servers"`
	Credentials string   `yaml:"credentials"`
	CA          string   `yaml:"ca"`
	Certificate string   `yaml:"certificate"`
	Key         string   `yaml:"key"`
}

// ObjectiveConfig is a target's objective for 30 days.
type ObjectiveConfig struct {
	Target string  `yaml:"target"`
	Share  float64 `yaml:"share"` // share of the requests that should succeed, such as 0.999
	// if set, share is that of the successful requests whose answer should begin within this time
	Within Duration `yaml:"within"`
}

// objectives returns the objectives of the detector.
func (c *Config) objectives() []model.Objective {
	all := make([]model.Objective, len(c.Detector.Objectives))
	for i, o := range c.Detector.Objectives {
		all[i] = model.Objective{Target: o.Target, Share: o.Share, Within: o.Within.Duration}
	}
	return all
}

// timed returns the targets with an objective for how long their requests take, with the shortest
// time of each.
func (c *Config) timed() map[string]time.Duration {
	all := map[string]time.Duration{}
	for _, o := range c.Detector.Objectives {
		if within := o.Within.Duration; within > 0 && (all[o.Target] == 0 || within < all[o.Target]) {
			all[o.Target] = within
		}
	}
	return all
}

// FeedConfig is a remote collector whose feed is read.
type FeedConfig struct {
	ID  string `yaml:"id"`  // the collector's id in the policy
	URL string `yaml:"url"` // its base URL
	// NATS is instead of URL, if the collector's batches are read from a stream.
	NATS *NATSFeedConfig `yaml:"nats"`
}

// NATSFeedConfig says from which stream a collector's batches are read.
type NATSFeedConfig struct {
	Servers     []string `yaml:"servers"`
	Stream      string   `yaml:"stream"` // "": the collector's own
	Source      string   `yaml:"source"` // the collector's own
	Domain      string   `yaml:"domain"`
	Reader      string   `yaml:"reader"`
	Credentials string   `yaml:"credentials"`
	CA          string   `yaml:"ca"`
	Certificate string   `yaml:"certificate"`
	Key         string   `yaml:"key"`
}

// ProberConfig is the part for the prober.
type ProberConfig struct {
	Interval Duration `yaml:"interval"`
	Timeout  Duration `yaml:"timeout"`
	Failures int      `yaml:"failures"` // consecutive failed attempts before a target is down
	// host:port or URL of independent addresses that should always answer; if none does, the
	// prober doubts itself
	Witnesses []string `yaml:"witnesses"`
	// when failures are expected
	Maintenance []MaintenanceConfig `yaml:"maintenance"`

	CA      string         `yaml:"ca"` // PEM file, trusted in addition to the system's authorities
	Targets []TargetConfig `yaml:"targets"`
	// named ways to probe, in the form of blackbox_exporter's modules
	Modules map[string]ModuleConfig `yaml:"modules"`

	ModulesFile string `yaml:"modules_file"` // a blackbox.yml with further modules

	// listener for a Prometheus that scrapes /probe; none if listen is empty
	Scrape ListenConfig `yaml:"scrape"`

	// where further targets are found
	Discover []DiscoverConfig `yaml:"discover"`
	// a fleet whose servers are all probed alike
	Sweep SweepConfig `yaml:"sweep"`
	// servers that tell whether they are up
	Heartbeats HeartbeatsConfig `yaml:"heartbeats"`

	// most targets with metrics of their own; 0: none
	TargetMetrics int `yaml:"target_metrics"`

	Vantage    string `yaml:"vantage"`     // id of the vantage; unique among probers
	VantageASN uint32 `yaml:"vantage_asn"` // its autonomous system; 0 if unknown
	// signed policy with the collectors to deliver results to; if empty, results stay in
	// this process
	Policy string `yaml:"policy"`
	Spool  string `yaml:"spool"` // directory for results that are not delivered yet
	// PEM file of the authority of the collectors' certificates, trusted in addition to the
	// system's
	CollectorsCA string `yaml:"collectors_ca"`
}

// Duration is a [time.Duration] written like "30s" or "90d". The YAML library does not report the
// line of a duration that does not parse, so Duration keeps the text for validate to
// complain about.
type Duration struct {
	time.Duration
	bad string
}

// String returns what was written, or the duration.
func (d Duration) String() string {
	if d.bad != "" {
		return d.bad
	}
	return d.Duration.String()
}

func dur(d time.Duration) Duration { return Duration{Duration: d} }

// UnmarshalYAML never fails; see Duration.
func (d *Duration) UnmarshalYAML(text []byte) error {
	*d = Duration{}
	var s string
	err := yaml.Unmarshal(text, &s)
	if err == nil {
		d.Duration, err = api.ParseSpan(s)
	}
	if err != nil {
		d.bad = string(bytes.TrimSpace(text))
	}
	return nil
}

func defaults() Config {
	return Config{
		Collector: CollectorConfig{ID: "c1", Listen: "127.0.0.1:8417", ReceiptKey: "keys/receipt.pem",
			FeedKeys: []string{"keys/feed.pub.pem"}, Policy: "policy", Inbox: inboxes.File("inbox.db"), MaxBytes: 4 << 30, MaxAge: dur(30 * 24 * time.Hour),
			ACME: ACMEConfig{Cache: "certificates"}},
		Detector: DetectorConfig{Store: stores.File("store.db"), MapHistory: "map-history", MaxBytes: 4 << 30, OpenKeys: []string{"keys/open.pem"}, FeedKey: "keys/feed.pem",
			Bin: dur(10 * time.Second), Grace: dur(10 * time.Second), MinClients: 3, MinExcess: 5, MinRatio: 1.5},
		Prober:     ProberConfig{Interval: dur(30 * time.Second), Timeout: dur(5 * time.Second), Failures: 3, Spool: "prober-spool"},
		Alerts:     AlertsConfig{Repeat: dur(4 * time.Hour), Update: dur(5 * time.Minute), Runbooks: defaultRunbooks, SilentAfter: dur(time.Hour)},
		Dashboard:  DashboardConfig{Listen: "127.0.0.1:8418", LeastClients: 5},
		Operations: ListenConfig{Listen: "127.0.0.1:8419"},
		OTLP:       OTLPConfig{Traces: 0.01, Metrics: dur(time.Minute), Logs: true},
	}
}

// Load reads a configuration. Errors name the file, the line and the key.
func Load(path string) (*Config, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("reading the configuration: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxConfig+1))
	if err != nil {
		return nil, fmt.Errorf("reading the configuration: %w", err)
	}
	if len(text) > maxConfig {
		return nil, fmt.Errorf("%s: larger than %d bytes", path, maxConfig)
	}
	return parse(path, text)
}

// again reads the file of the configuration again.
func (c *Config) again() (*Config, error) {
	if c.path == "" {
		return c, nil
	}
	return Load(c.path)
}

func parse(path string, text []byte) (*Config, error) {
	c := defaults()
	switch err := yamlx.Decode(path, text, &c); {
	case errors.Is(err, yamlx.ErrEmpty):
		c = defaults()
	case err != nil:
		return nil, explained(err)
	}
	c.path, c.dir, c.text = path, filepath.Dir(path), text
	if err := c.readModules(); err != nil {
		return nil, err
	}
	for i := range c.Prober.Targets {
		c.Prober.Targets[i].finish(c.Prober.Modules)
	}
	return &c, c.validate()
}

// removed says of keys that there were once why there are none.
var removed = map[string]string{
	"min_places": "how many places must see failures follows from how likely chance is (docs/verdicts.md); delete the line",
}

// explained adds to an error about a key that there was once why there is none.
func explained(err error) error {
	for key, why := range removed {
		if strings.Contains(err.Error(), key) {
			return fmt.Errorf("%w: %s", err, why)
		}
	}
	return err
}

// File returns the path of a file that the configuration names.
func (c *Config) File(name string) string {
	if name == "" || filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(c.dir, name)
}
