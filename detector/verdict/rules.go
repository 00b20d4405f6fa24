package verdict

import "github.com/heliograph-net/heliograph/model"

// rule is one line of the table.
type rule struct {
	verdict model.Verdict
	when    string // as in docs/verdicts.md
	holds   func(*view) bool
	why     func(*view) []model.Signal // what speaks for it; what is true of all comes after it
}

// rules are in order: the first that holds decides. docs/verdicts.md has the same table.
//
// First come verdicts about reports that are not credible or not about the service, then the causes
// that the outcome or the scope names, and then those that follow from where requests fail.
var rules = []rule{
	{model.Forged, "most failures are reported by one source that nobody confirms, and that reports far more than it usually does, was never heard of, or claims to be a crowd",
		(*view).forged, (*view).whyForged},
	{model.CollectorPath, "deliveries to a collector fail, or the scope names a collector",
		(*view).collectorPath, (*view).whyCollector},
	{model.LastMile, "most clients that are hit fail at every target and have recovered, and either could not deliver reports meanwhile or are few among those of the same networks",
		(*view).lastMile, (*view).whyLastMile},
	{model.TooThin, "too few clients, address prefixes, networks or failures, and probers do not confirm",
		(*view).tooThin, (*view).whyTooThin},
	{model.SlowAnswers, "most failures are none: requests succeed, and take longer than usual",
		(*view).slow, (*view).whySlow},
	{model.Release, "the scope names a version of the application or an operating system",
		(*view).release, (*view).whyRelease},
	{model.DNS, "most failures are failures to resolve names; or names resolve to other addresses: their certificates do not fit, or only clients from some networks or countries are sent to servers that nobody asked before",
		(*view).dns, (*view).whyDNS},
	{model.Certificate, "most failures are rejected certificates, and not only from some networks or countries",
		(*view).certificate, (*view).whyCertificate},
	{model.Protocol, "the scope names a protocol, or most failures are of HTTP/2, or of HTTP/3 and UDP",
		(*view).protocol, (*view).whyProtocol},
	{model.ServerGroup, "the scope names servers, and neither networks nor countries unless probers elsewhere find these servers down; or probers find servers down, to which most failures belong, and reach others",
		(*view).serverGroup, (*view).whyServers},
	{model.NetworkPath, "the scope names networks or countries, with or without servers, and probers elsewhere do not find all servers down",
		(*view).networkPath, (*view).whyPath},
	{model.ServiceDown, "none of the above: everyone is hit, wholly or in part",
		func(*view) bool { return true }, (*view).whyService},
}

// Pages reports whether an incident with a verdict may alert people. An incident of the past never
// does.
func Pages(v model.Verdict) bool {
	switch v {
	case model.LastMile, model.Forged, model.TooThin, "":
		return false
	default:
		return true
	}
}

// Result is a verdict and its reasons.
type Result struct {
	Verdict model.Verdict
	Page    bool // whether to alert people now
	// whom to name: the scope of the facts, or the sources of forged reports
	Scope    Scope
	Evidence []model.Signal // the strongest first
	Missing  string         // what there is too little of, if the verdict is model.TooThin
}

// Judge returns the verdict on f. It does not retain f.
func Judge(f *Facts) Result {
	v := newView(f)
	for i := range rules {
		r := &rules[i]
		if !r.holds(v) {
			continue
		}
		result := Result{Verdict: r.verdict, Page: Pages(r.verdict) && !f.Late, Scope: v.named(r.verdict), Evidence: v.evidence(r)}
		if r.verdict == model.TooThin {
			result.Missing = list(v.missing())
		}
		return result
	}
	return Result{} // the last rule always holds
}
