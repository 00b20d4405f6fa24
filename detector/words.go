package detector

import (
	"fmt"
	"math"

	"github.com/heliograph-net/heliograph/model"
)

// title is one sentence: what fails, where, for whom, and how often. A scope without limits is not
// mentioned: at first it only means that too little is known of who is hit. The evidence says so,
// or that it is everyone.
func title(i *model.Incident, names func(asn uint32) string) string {
	who := i.Scope.Words(names)
	everyone := i.Scope.Everyone()
	if i.Verdict == model.Forged {
		if everyone {
			who = "from an unknown network"
		}
		return fmt.Sprintf("reports %s look made up: %s of %s", who, plural(int(math.Round(max(i.Requests, i.Failed))), "request"), plural(i.Clients, "client"))
	}
	if i.Outcome == model.Slow {
		return i.SlowWords(names)
	}
	if who = " " + who; everyone {
		who = ""
	}
	return fmt.Sprintf("%s for %s%s: %s of %s %s fail, %s", i.Outcome, i.Target, who, whole(i.Failed), whole(max(i.Requests, i.Failed)), things(i), plural(i.Clients, "client"))
}

// things is what the numbers of an incident count.
func things(i *model.Incident) string {
	if i.App == model.DeliveryApp {
		return "deliveries"
	}
	return "requests"
}

func signal(code model.SignalCode, format string, args ...any) model.Signal {
	return model.Signal{Code: code, Text: fmt.Sprintf(format, args...)}
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

func whole(v float64) string { return fmt.Sprintf("%.0f", math.Round(v)) }
