package assert

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/heliograph-net/heliograph/prober/probe"
)

// NoCertificate is the value of certificate_days if there is no certificate.
const NoCertificate = 1e6

// Of returns the variables of a result that has facts, see [probe.WithFacts]:
//
//	status            int                       HTTP status, or 0
//	protocol          string                    ALPN id: "h2"
//	server            string                    address and port
//	family            int                       IP version of the address, 4 or 6
//	seconds           double                    duration of the attempt
//	steps             map(string, double)       seconds by step: "connect"
//	certificate_days  double                    until the certificate ends, or NoCertificate
//	details           map(string, double)       numbers that the kind tells: "http_redirects"
//	labels            map(string, map(...))     texts that belong to them: "tls_version_info"
//	headers           map(string, list(string)) of an HTTP answer; names in lower case
//	body              string                    of an HTTP answer
//	json              dyn                       the body, parsed; null if it is not JSON
func Of(r *probe.Result) Variables {
	steps, details, labels := map[string]float64{}, map[string]float64{}, map[string]map[string]string{}
	for _, s := range r.Steps {
		steps[s.Name] += s.Duration.Seconds()
	}
	for _, d := range r.Details {
		if details[d.Name] = d.Value; d.Labels != nil {
			labels[d.Name] = d.Labels
		}
	}
	days := float64(NoCertificate)
	if !r.CertificateEnds.IsZero() {
		days = time.Until(r.CertificateEnds).Hours() / 24
	}
	headers := map[string][]string{}
	for name, values := range r.Facts.Header {
		headers[strings.ToLower(name)] = values
	}
	return Variables{
		"status": int64(r.Status), "protocol": r.Protocol, "server": r.Server, "family": int64(probe.Family(r.Server)),
		"seconds": r.Total().Seconds(), "steps": steps, "certificate_days": days, "details": details, "labels": labels, "headers": headers,
		"body": strings.ToValidUTF8(string(r.Facts.Body), "\uFFFD"),
		"json": func() any {
			value, _ := ParseJSON(r.Facts.Body) // null
			return value
		},
	}
}

// ParseJSON returns the value of a text in JSON.
func ParseJSON(body []byte) (value any, err error) {
	err = json.Unmarshal(body, &value)
	return value, err
}
