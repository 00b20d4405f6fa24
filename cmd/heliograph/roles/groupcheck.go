package roles

import (
	"os"

	"github.com/heliograph-net/heliograph/cmd/heliograph/doctor"
)

// group checks what several detectors have in common.
func (k *checker) group() {
	g, l := k.Config.Detector.Group, k.Alerts.Ledger
	if g != nil {
		k.client("detector.group.", g.Credentials, g.CA, g.Certificate, g.Key)
	}
	if l != nil {
		k.client("alerts.ledger.", l.Credentials, l.CA, l.Certificate, l.Key)
	}
	if g != nil && l == nil && len(k.Alerts.Receivers) > 0 {
		k.add(doctor.Warning, "detector.group", "%s shares work, but there is no alerts.ledger: every member tells people of every fault", g.ID)
	}
}

// client checks the files of a client of NATS. Their keys in the configuration begin with prefix.
func (k *checker) client(prefix, credentials, ca, certificate, private string) {
	for key, name := range map[string]string{"credentials": credentials, "ca": ca, "certificate": certificate, "key": private} {
		if name == "" {
			continue
		}
		if _, err := os.Stat(k.File(name)); err != nil {
			k.bad(prefix+key, err)
		} else if key == "credentials" || key == "key" {
			k.secret(prefix+key, name)
		}
	}
}
