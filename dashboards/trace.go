package dashboards

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// TraceID stands for a trace's id, 32 hexadecimal digits, in a template of addresses.
const TraceID = "{trace_id}"

// CheckTraceURL returns an error unless template is the http or https address of a trace.
func CheckTraceURL(template string) error {
	if !strings.Contains(template, TraceID) {
		return fmt.Errorf("%q does not contain %s, which a trace's id replaces", template, TraceID)
	}
	u, err := url.Parse(strings.ReplaceAll(template, TraceID, strings.Repeat("0", 32)))
	if err != nil {
		return err
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || strings.Contains(u.Host, strings.Repeat("0", 32)) {
		return errors.New("it must be an http or https address, and its host must not depend on the trace")
	}
	return nil
}
