package nel

import (
	"fmt"
	"time"

	"github.com/heliograph-net/heliograph/privacy/policy"
)

const day = 24 * time.Hour

// Advice returns advice about options that are valid but unwise, one sentence each.
func Advice(collectors []policy.Collector, o Options) (all []string) {
	advise := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }
	usable := 0
	for _, c := range collectors {
		if len(c.URL) < 8 || c.URL[:8] != "https://" {
			advise("collector %s is left out: browsers report to https only, not to %s", c.ID, c.URL)
			continue
		}
		usable++
	}
	if o.Remove {
		return all
	}
	if usable == 1 {
		advise("there is one collector: browsers have nowhere to turn to when it is down")
	}
	switch {
	case o.SuccessFraction == o.FailureFraction:
		advise("--success-fraction equals --failure-fraction: when an answer comes from another address than the policy, browsers say dns.address_changed whether it succeeded or not, and only the fraction tells which")
	case o.FailureFraction < 1:
		advise("--failure-fraction is below 1: collectors take dns.address_changed with a fraction below 1 for a request that succeeded, and so miss failures of a service of many addresses")
	}
	switch {
	case o.SuccessFraction == 0:
		advise("--success-fraction is 0: without successes failures stand in no proportion to anything")
	case o.SuccessFraction > 0.25:
		advise("--success-fraction is %v: a report costs browser and collector up to two requests", o.SuccessFraction)
	}
	switch {
	case o.MaxAge < day:
		advise("--max-age is %v: browsers that have not come back since forget the policy, and report nothing of an outage that begins then", o.MaxAge)
	case o.MaxAge > 90*day:
		advise("--max-age is %d days: browsers that do not come back go on reporting to these collectors for so long", o.MaxAge/day)
	}
	if o.Reports && usable > 1 {
		advise("--reports: Reporting-Endpoints knows one collector per name, the best one is used; only network errors turn to others")
	}
	return all
}
