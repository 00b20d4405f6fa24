package roles

import "github.com/heliograph-net/heliograph/dashboards/access"

// dashboard checks the dashboard's certificate, and who may look at it. It asks no provider.
func (k *checker) dashboard() {
	d := &k.Config.Dashboard
	if d.TLSCert != "" {
		k.files("dashboard.", d.TLSCert, d.TLSKey)
	}
	if !d.needsLogin() {
		return
	}
	s, err := k.accessSettings()
	if err == nil {
		_, err = access.New(access.Options{Settings: s, URL: d.URL})
	}
	if err != nil {
		k.bad("dashboard", err)
	}
	if d.OIDC.ClientSecret != "" {
		k.secret("dashboard.oidc.client_secret", d.OIDC.ClientSecret)
	}
}
