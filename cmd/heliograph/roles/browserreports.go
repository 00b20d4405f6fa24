package roles

import "github.com/heliograph-net/heliograph/collector"

// checkBrowserReports complains about every type of browser reports whose handling is invalid.
func (c *Config) checkBrowserReports(bad complaint) {
	for reportType, h := range c.Collector.BrowserReports {
		if err := collector.CheckHandling(map[string]collector.Handling{reportType: h}); err != nil {
			bad("collector.browser_reports."+reportType, "%v", err)
		}
	}
}
