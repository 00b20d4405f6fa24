package roles

import "github.com/heliograph-net/heliograph/collector"

// checkSentry complains about the project whose errors are taken from SDKs of Sentry.
func (c *Config) checkSentry(bad complaint) {
	p := collector.SentryProject(c.Collector.Sentry)
	if err := p.Check(); err != nil {
		bad("collector.sentry", "%v", err)
	}
}
