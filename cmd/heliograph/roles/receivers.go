package roles

import (
	"cmp"
	"crypto/x509"
	"fmt"
	"strings"

	"github.com/heliograph-net/heliograph/alerts"
	"github.com/heliograph-net/heliograph/alerts/alertmanager"
	"github.com/heliograph-net/heliograph/alerts/mail"
	"github.com/heliograph-net/heliograph/alerts/pagerduty"
	"github.com/heliograph-net/heliograph/alerts/shoutrrr"
	"github.com/heliograph-net/heliograph/alerts/slack"
	"github.com/heliograph-net/heliograph/alerts/webhook"
)

// receiverKind is a kind of receiver: the fields that it needs, those that it may have, and how to
// make one.
type receiverKind struct {
	needs, knows []string
	open         func(c *Config, r *ReceiverConfig) ([]alerts.Receiver, error)
}

var receiverKinds = map[string]receiverKind{
	"alertmanager": {[]string{"urls"}, nil, openAlertmanager},
	"mail":         {[]string{"server", "from", "to"}, []string{"tls", "username", "password_file"}, openMail},
	"pagerduty":    {[]string{"key_file"}, []string{"url"}, openPagerDuty},
	"shoutrrr":     {[]string{"url_file"}, nil, openShoutrrr},
	"slack":        {[]string{"url_file"}, nil, openSlack},
	"webhook":      {nil, []string{"url", "url_file", "secret_file", "watchdog"}, openWebhook},
}

// receivers returns the receivers of a configuration. An Alertmanager is one receiver for each of
// its instances.
func (c *Config) receivers() (all []alerts.Receiver, err error) {
	for i := range c.Alerts.Receivers {
		r := &c.Alerts.Receivers[i]
		opened, err := receiverKinds[r.Kind].open(c, r)
		if err != nil {
			return nil, fmt.Errorf("alerts.receivers: %s: %w", r.Name, err)
		}
		var quiet *alerts.Quiet
		if r.Quiet != "" {
			if quiet, err = alerts.ParseQuiet(r.Quiet); err != nil {
				return nil, fmt.Errorf("alerts.receivers: %s: quiet: %w", r.Name, err)
			}
		}
		for k := range opened {
			opened[k].Quiet = quiet
			opened[k].Name, opened[k].Least = cmp.Or(opened[k].Name, r.Name), r.Severity
		}
		all = append(all, opened...)
	}
	return all, nil
}

func openAlertmanager(c *Config, r *ReceiverConfig) (all []alerts.Receiver, err error) {
	roots, err := r.roots(c)
	if err != nil {
		return nil, err
	}
	for i, url := range r.URLs {
		s, err := alertmanager.New(url, roots)
		if err != nil {
			return nil, err
		}
		all = append(all, alerts.Receiver{Name: fmt.Sprintf("%s/%d", r.Name, i+1), Sender: s, Refresh: alertmanager.Refresh})
	}
	return all, nil
}

func openMail(c *Config, r *ReceiverConfig) ([]alerts.Receiver, error) {
	roots, err := r.roots(c)
	if err != nil {
		return nil, err
	}
	o := mail.Options{Server: r.Server, Security: mail.Security(r.TLS), From: r.From, To: r.To, Username: r.Username, Roots: roots}
	if r.PasswordFile != "" {
		if o.Password, err = c.secret(r.PasswordFile); err != nil {
			return nil, fmt.Errorf("password_file: %w", err)
		}
	}
	s, err := mail.New(o)
	return []alerts.Receiver{{Sender: s}}, err
}

func openPagerDuty(c *Config, r *ReceiverConfig) ([]alerts.Receiver, error) {
	key, err := c.secret(r.KeyFile)
	if err != nil {
		return nil, fmt.Errorf("key_file: %w", err)
	}
	roots, err := r.roots(c)
	if err != nil {
		return nil, err
	}
	s, err := pagerduty.New(cmp.Or(r.URL, pagerduty.Events), key, roots)
	return []alerts.Receiver{{Sender: s, Wakes: true}}, err
}

func openShoutrrr(c *Config, r *ReceiverConfig) ([]alerts.Receiver, error) {
	url, err := c.secret(r.URLFile)
	if err != nil {
		return nil, fmt.Errorf("url_file: %w", err)
	}
	s, err := shoutrrr.New(url)
	return []alerts.Receiver{{Sender: s}}, err
}

func openSlack(c *Config, r *ReceiverConfig) ([]alerts.Receiver, error) {
	url, roots, err := r.hook(c)
	if err != nil {
		return nil, err
	}
	s, err := slack.New(url, roots)
	return []alerts.Receiver{{Sender: s}}, err
}

func openWebhook(c *Config, r *ReceiverConfig) ([]alerts.Receiver, error) {
	url, roots, err := r.hook(c)
	if err != nil {
		return nil, err
	}
	var secret webhook.Secret
	if r.SecretFile != "" {
		text, err := c.secret(r.SecretFile)
		if err != nil {
			return nil, fmt.Errorf("secret_file: %w", err)
		}
		if secret, err = webhook.ParseSecret(text); err != nil {
			return nil, fmt.Errorf("secret_file: %w", err)
		}
	}
	s, err := webhook.New(url, secret, roots)
	return []alerts.Receiver{{Sender: s, Watchdog: r.Watchdog.Duration}}, err
}

// hook returns a URL, which may be in a secret file, and the authorities to trust there.
func (r *ReceiverConfig) hook(c *Config) (url string, roots *x509.CertPool, err error) {
	if url = r.URL; r.URLFile != "" {
		if url, err = c.secret(r.URLFile); err != nil {
			return "", nil, fmt.Errorf("url_file: %w", err)
		}
	}
	roots, err = r.roots(c)
	return url, roots, err
}

// roots returns the authorities to trust; nil means the system's.
func (r *ReceiverConfig) roots(c *Config) (*x509.CertPool, error) {
	roots, err := loadRoots(c.File(r.CA))
	if err != nil {
		return nil, fmt.Errorf("ca: %w", err)
	}
	return roots, nil
}

// secret returns the contents of a file without surrounding white space.
func (c *Config) secret(name string) (string, error) {
	text, err := readLimited(c.File(name), 64<<10)
	return strings.TrimSpace(string(text)), err
}
