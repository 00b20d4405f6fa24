package roles

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/heliograph-net/heliograph/dashboards"
	"github.com/heliograph-net/heliograph/detector/slo"
	"github.com/heliograph-net/heliograph/internal/httpx"
	"github.com/heliograph-net/heliograph/privacy/scrub"
)

// complaint records a fault of a key.
type complaint = func(key, format string, args ...any)

// validate returns all faults, joined, each with file, line and key.
func (c *Config) validate() error {
	var errs []error
	bad := func(key, format string, args ...any) {
		errs = append(errs, fmt.Errorf("%s:%s: %s: %s", c.path, c.line(key), key, fmt.Sprintf(format, args...)))
	}
	c.checkListeners(bad)
	c.checkDashboard(bad)
	c.checkStatus(bad)
	c.checkDurations(bad)
	c.checkCollector(bad)
	c.checkBrowserReports(bad)
	c.checkSentry(bad)
	c.checkDetector(bad)
	c.checkProber(bad)
	c.checkAlerts(bad)
	c.checkOTLP(bad)
	return errors.Join(errs...)
}

func (c *Config) checkListeners(bad complaint) {
	for section, l := range map[string]ListenConfig{"collector": {Listen: c.Collector.Listen}, "dashboard": {Listen: c.Dashboard.Listen, Hosts: c.Dashboard.Hosts}, "operations": c.Operations} {
		if _, _, err := net.SplitHostPort(l.Listen); err != nil {
			bad(section+".listen", "%q is not host:port", l.Listen)
		}
		if err := httpx.Hosts(l.Hosts).Check(); err != nil {
			bad(section+".hosts", "%v", err)
		}
	}
	if l := c.Prober.Scrape; l.Listen != "" {
		if _, _, err := net.SplitHostPort(l.Listen); err != nil {
			bad("prober.scrape.listen", "%q is not host:port", l.Listen)
		}
		if err := httpx.Hosts(l.Hosts).Check(); err != nil {
			bad("prober.scrape.hosts", "%v", err)
		}
	}
}

func (c *Config) checkDurations(bad complaint) {
	for key, d := range map[string]Duration{"detector.bin": c.Detector.Bin, "detector.grace": c.Detector.Grace, "prober.interval": c.Prober.Interval,
		"prober.timeout": c.Prober.Timeout, "collector.inbox_max_age": c.Collector.MaxAge} {
		switch {
		case d.bad != "":
			bad(key, "%s is not a duration such as 30s or 5m", d.bad)
		case d.Duration < 10*time.Millisecond:
			bad(key, "%v is too short", d)
		}
	}
}

func (c *Config) checkCollector(bad complaint) {
	col := &c.Collector
	switch {
	case col.TLSCert != "" && col.TLSKey == "":
		bad("collector.tls_key", "is missing: tls_cert needs the private key of its certificate")
	case col.TLSCert == "" && col.TLSKey != "":
		bad("collector.tls_cert", "is missing: tls_key needs its certificate")
	}
	if col.TLSCert != "" && len(col.ACME.Names) > 0 {
		bad("collector.acme", "give either tls_cert or acme")
	}
	if col.ID == "" {
		bad("collector.id", "must not be empty: it is the id that the policy gives this collector")
	}
	if err := col.Inbox.Validate(); err != nil {
		bad("collector.inbox", "%v", err)
	}
	if col.MaxBytes < 1<<20 {
		bad("collector.inbox_max_bytes", "%d is too small, give at least 1048576", col.MaxBytes)
	}
	if at := col.SlowDownAt; !(at >= 0 && at <= 1) {
		bad("collector.slow_down_at", "%v is no part of the inbox: give more than 0 and up to 1", at)
	}
	if d := c.Detector; d.MaxBytes < 64<<20 {
		bad("detector.store_max_bytes", "%d is too small, give at least 67108864", d.MaxBytes)
	}
	for key, list := range map[string][]string{"trusted_proxies": col.TrustedProxies, "proxy_protocol": col.ProxyProtocol} {
		for i, text := range list {
			if _, err := netip.ParsePrefix(text); err != nil {
				bad(fmt.Sprintf("collector.%s[%d]", key, i), "%q is not a prefix such as 192.0.2.0/24", text)
			}
		}
	}
	switch http.CanonicalHeaderKey(col.ForwardedHeader) {
	case "", "Forwarded", "X-Forwarded-For":
	default:
		bad("collector.forwarded_header", "%q is neither X-Forwarded-For nor Forwarded", col.ForwardedHeader)
	}
	for key, rate := range map[string]float64{"collector.source_requests_per_second": col.SourceRequests,
		"collector.source_bytes_per_second": col.SourceBytes, "collector.new_sources_per_second": col.NewSources} {
		if rate < 0 || rate > 0 && rate < 1 {
			bad(key, "%v is neither at least 1 nor 0 for the default", rate)
		}
	}
}

func (c *Config) checkDetector(bad complaint) {
	if err := c.Detector.Store.Validate(); err != nil {
		bad("detector.store", "%v", err)
	}
	if c.Detector.Group != nil {
		o := groupOptions(c, nil, nil)
		if err := o.Validate(); err != nil {
			bad("detector.group", "%v", err)
		}
	}
	for i, feed := range c.Detector.Feeds {
		key := fmt.Sprintf("detector.feeds[%d]", i)
		if feed.NATS != nil {
			o := natsFeed(c, &c.Detector.Feeds[i], nil)
			if err := o.Validate(); err != nil {
				bad(key+".nats", "%v", err)
			}
			if feed.URL != "" {
				bad(key+".url", "must not be there beside nats: batches are read from one of the two")
			}
		} else if u, err := url.Parse(feed.URL); err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
			bad(key+".url", "%q is not the http or https URL of a collector", feed.URL)
		}
		if feed.ID == "" {
			bad(key+".id", "must not be empty: it is the id that the policy gives that collector")
		}
	}
	if c.Detector.MinClients < 1 || c.Detector.MinExcess < 1 || c.Detector.MinRatio <= 1 {
		bad("detector.min_clients", "thresholds must be min_clients >= 1, min_excess >= 1, min_ratio > 1: with less, chance would be an incident")
	}
	if n := c.Dashboard.LeastClients; n < 1 || n > 1000 {
		bad("dashboard.least_clients", "%d is not 1 to 1000; 1 shows everything", n)
	}
	for vantage, country := range c.Dashboard.Vantages {
		if len(country) != 2 || strings.Trim(country, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
			bad("dashboard.vantages", "%q of vantage %q is not two capital letters (ISO 3166-1), such as DE", country, vantage)
		}
	}
	if template := c.Dashboard.TraceURL; template != "" {
		if err := dashboards.CheckTraceURL(template); err != nil {
			bad("dashboard.trace_url", "%v", err)
		}
	}
	if b := c.Detector.Bin.Duration; b > time.Hour || b > 0 && (b < time.Second || 24*time.Hour%b != 0) {
		bad("detector.bin", "%v is not a second to an hour, of which there are so many in 24 hours", b)
	}
	if c.Detector.VantagesAgree < 0 {
		bad("detector.vantages_agree", "must not be negative; 0 is the default, 2")
	}
	for _, o := range c.Detector.Objectives {
		if o.Within.bad != "" {
			bad("detector.objectives", "within of %s is %s, which is not a duration such as 800ms or 2s", o.Target, o.Within.bad)
		}
		if text := noOrigin(o.Target); o.Target != "" && text != "" {
			bad("detector.objectives", "%s", text)
		}
	}
	if err := slo.Validate(c.objectives()); err != nil {
		bad("detector.objectives", "%v", err)
	}
}

// noOrigin says why no request has a target, or "". All targets are origins as agents write them,
// so with another one an objective would never be about anything.
func noOrigin(target string) string {
	scheme, rest, _ := strings.Cut(target, "://")
	host, _, _ := strings.Cut(rest, "/")
	switch origin := scrub.Target(scheme, host); origin {
	case target:
		return ""
	case "":
		return fmt.Sprintf("%q is not an origin such as https://shop.example", target)
	default:
		if strings.Contains(target, "@") { // which may follow a password
			target = "…"
		}
		return fmt.Sprintf("no request has the target %q; give its origin, %s", target, origin)
	}
}

func (c *Config) checkProber(bad complaint) {
	if c.Prober.Failures < 1 {
		bad("prober.failures", "must be at least 1")
	}
	if n := c.Prober.TargetMetrics; n < 0 || n > 10_000 {
		bad("prober.target_metrics", "%d is not 0 to 10000", n)
	}
	if c.Prober.Policy != "" && c.Prober.Vantage == "" {
		bad("prober.vantage", "must not be empty: it is the name under which detectors know this prober")
	}
	c.checkMaintenance(bad)
	c.checkHeartbeats(bad)
	c.checkSweep(bad)
	c.checkDiscover(bad)
	checkModules("prober.modules.", c.Prober.Modules, bad)
	for i := range c.Prober.Targets {
		t, key := &c.Prober.Targets[i], fmt.Sprintf("prober.targets[%d]", i)
		if t.Name == "" {
			bad(key+".name", "must not be empty")
		}
		if t.bad != nil {
			bad(strings.TrimSuffix(key+"."+t.badKey, "."), "%s: %v", t.Name, t.bad)
		}
	}
}

// line returns the line of a key in the file. For an absent key it returns that of the nearest key
// above it, or "1" if there is none.
func (c *Config) line(key string) string {
	for path := "$." + key; len(path) > 2; {
		if p, err := yaml.PathString(path); err == nil {
			if node, err := p.ReadNode(bytes.NewReader(c.text)); err == nil {
				return fmt.Sprint(node.GetToken().Position.Line)
			}
		}
		cut := bytes.LastIndexAny([]byte(path), ".[")
		path = path[:cut]
	}
	return "1"
}
