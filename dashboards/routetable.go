package dashboards

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/heliograph-net/heliograph/heatmap"
	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/model/search"
)

// route is a path of the API. docs/api.md is generated from its texts.
type route struct {
	path    string
	get     func(d *Dashboard, w http.ResponseWriter, r *http.Request, p *params) error
	endless bool // no time limit
	costly  bool // reads much: a few at one time

	does    string  // what it returns
	params  []param // all parameters that are allowed
	answer  string  // type of the JSON, or media type
	example string  // a query string
}

// param is a parameter of a route.
type param struct {
	name   string
	absent string // its value if absent
	is     string // its meaning and its allowed values
}

// Parameters of several routes.
func since(absent string) param {
	return param{"since", absent, "how far back: a span, at most what the store keeps"}
}

func limit(absent, most int) param {
	return param{"limit", strconv.Itoa(absent), fmt.Sprintf("rows at most, up to %d", most)}
}

var (
	outcomeParam = param{"type", "any", "an outcome such as `tcp.reset`, or the first words of one: `tls.cert`"}
	targetParam  = param{"target", "any", "an origin: `https://shop.example`"}
	untilParam   = param{"until", "now", "the end of the span: " + momentForms}
	stateParam   = "`up`, `down` or `unknown`"
)

// whereParams select requests by where they came from and went to.
var whereParams = []param{
	{"asn", "any", "number of the client network; 0 if unknown"}, {"country", "any", "two letters; `ZZ` if unknown"},
	{"server", "any", "address and port of the last attempt"}, {"protocol", "any", "ALPN id: `h2`"},
}

var pictureParams = []param{
	{"width", fmt.Sprintf("%d, or %d for large fleets", heatmap.DefaultWidth, heatmap.LargeWidth), fmt.Sprintf("pixels at most, %d to %d", heatmap.MinWidth, heatmap.MaxWidth)},
	{"order", "`rows`", "`rows`, or `hilbert`: along a Hilbert curve through each data centre"},
	groupParam, atParam,
}

// routeTable lists all routes of the API.
var routeTable = []route{
	{
		path: "/now", get: (*Dashboard).getNow, answer: "Now",
		does: "The state of everything in one sentence, judged once for page, command line and alerts by the detector's thresholds.",
	},
	{
		path: "/curve", get: (*Dashboard).getCurve, costly: true, answer: "Curve", example: "incident=2",
		does: fmt.Sprintf("How requests fared over time, in %d columns, with what is normal, when the failures began, and whether it gets better.", curveSteps),
		params: append([]param{
			{"incident", "none", "id of an incident, whose scope and time this then shows; without the parameters below"},
			targetParam, outcomeParam, since("60 columns of the page"), untilParam,
		}, whereParams...),
	},
	{
		path: "/totals", get: (*Dashboard).getTotals, costly: true, answer: "Total[]", example: "since=15m&by=type,asn",
		does: "Sums of the applications' requests, most failures first. X-Total-Count says how many rows there were before the limit, and X-Suppressed-Count how many are not shown.",
		params: append([]param{
			since("15m"), {"by", "one row for everything", "dimensions joined by commas, each once; see Dimension"},
			outcomeParam, targetParam, limit(defaultTotals, model.MaxRows), untilParam,
			{"app", "any", "name of the application"}, {"status", "any", "HTTP status; 0 without an answer"}, {"source", "any", "`agent` or `browser`"},
		}, whereParams...),
	},
	{
		path: "/reports", get: (*Dashboard).getReports, answer: "Report[]", example: "type=tcp&since=1h&limit=1",
		does: "Single requests and application errors of users who allow diagnostics, newest first.",
		params: append([]param{
			{"q", "any", "fields and words that all must be there, with spaces between them, such as `version:1.5.0 \"not a function\"`. Fields: `" + strings.Join(search.Fields(), "`, `") + "`"},
			outcomeParam, targetParam, since("1h"), limit(defaultReports, maxReports), untilParam,
		}, whereParams...),
	},
	{
		path: "/history", get: (*Dashboard).getHistory, costly: true, answer: "History", example: "step=1h&since=24h&by=version,asn&app=shop",
		does: "Sums of the applications' requests by minute or hour, the earliest first. They distinguish versions and operating systems, and reach further back: " +
			"minutes 3 days and hours 400 days, unless the store is full. The last minutes are missing until they have been judged and stored.",
		params: []param{
			{"step", "1m", "`1m` or `1h`"}, {"since", "1h", fmt.Sprintf("how far back: a span of at most %d steps", maxHistory)},
			{"by", "one row for each step", "facets joined by commas, each once: `app`, `version`, `os`, `target`, `type`, `asn`, `country`, `source`"},
			{"app", "any", "name of the application"}, {"version", "any", "version of the application"}, outcomeParam, targetParam,
		},
	},
	{
		path: "/errors", get: (*Dashboard).getErrors, answer: "AppErrors", example: "new_in=1.5.0",
		does: "Causes of application errors, by fingerprint, with the releases that they were first and last seen in; those with the latest errors first. " +
			"Of each cause its first and last error are known; it is in a span if these enclose a part of it, and its count is of all times.",
		params: []param{
			{"app", "any", "name of the application"}, {"new_in", "any", "version that the errors were first seen in"},
			{"fingerprint", "any", "32 hexadecimal digits: the cause that is wanted"},
			{"since", "7d", "seen within this span, at most 400d"}, untilParam, limit(defaultErrors, maxErrors),
		},
	},
	{
		path: "/gate", get: (*Dashboard).getGate, costly: true, answer: "Gate", example: "app=shop&version=1.5.0&against=1.4.2",
		does: "Compares a release with the one before, among the same networks, by a sequential test: however often it is asked from the same time on, a release " +
			"that is no worse is called worse with the stated error at most. See gate.md.",
		params: []param{
			{"app", "required", "name of the application"}, {"version", "required", "the release"}, {"against", "required", "the release to compare it with"},
			{"since", "30m", "how long ago the release began: a span of at most 24h"},
			{"error", "0.01", "probability of calling a release worse that is not, above 0 and below 1"},
			{"detect", "0.02", "the difference, in share of the requests, that a healthy release is shown not to have"},
		},
	},
	{
		path: "/incidents", get: (*Dashboard).getIncidents, answer: "Incident[]", example: "since=24h",
		does:   "Incidents that are open or were at some time in the span, open ones first, then newest first. X-Total-Count is their number.",
		params: []param{since("24h")},
	},
	{
		path: "/incident", get: (*Dashboard).getIncident, costly: true, answer: "IncidentPage", example: "id=2",
		does:   "An incident with its curve, where it happened, what else changed, what the probers hold, and when it was there before.",
		params: []param{{"id", "required", "id of the incident"}},
	},
	{
		path: "/incident.md", get: (*Dashboard).getIncidentMarkdown, costly: true, answer: "text/markdown",
		does:   "The same as Markdown, with headings for a post-mortem.",
		params: []param{{"id", "required", "id of the incident"}},
	},
	{
		path: "/mutes", get: (*Dashboard).getMutes, answer: "ScopeMute[]",
		does:   "Mutes by scope, in the order in which they were made: those that hold, are planned, or ended in the span; 1,000 at most, those that end last.",
		params: []param{since("24h")},
	},
	{
		path: "/objectives", get: (*Dashboard).getObjectives, answer: "Objective[]",
		does: "How the targets fare that promise a share of successful requests over 30 days: what is left of their error budgets, " +
			"and how fast it is spent. Empty without objectives, and until the whole period has been summed after a start.",
	},
	{
		path: "/parts", get: (*Dashboard).getParts, answer: "Part[]",
		does: "How the detector, the collectors that it reads and the vantages of probers fare. Empty without a detector.",
	},
	{
		path: "/reachability", get: (*Dashboard).getReachability, costly: true, answer: "Reachability", example: "since=3m&step=1m",
		does: fmt.Sprintf("A grid of the networks or countries that clients come from, and time. It has at most %d origins and %d columns.", maxOrigins, maxSteps),
		params: []param{
			since("1h"), {"step", "the page's", "width of a column: a span of at least 1s"}, untilParam, targetParam,
			{"by", "`asn`", "`asn` or `country`"}, {"order", "`failing`", "`failing`: those that fail now first; `excess`: those with most failures beyond the normal ones first"},
			limit(maxOrigins, maxOrigins),
		},
	},
	{
		path: "/servers", get: (*Dashboard).getServers, answer: "Servers", example: "first=0&limit=1",
		does: "The groups of servers with their counts, and some of the servers: those in the state, with the part of a name, from index `first` on.",
		params: []param{
			{"first", "0", "index of the first server"}, {"limit", strconv.Itoa(defaultServers), fmt.Sprintf("servers at most, up to %d; 0: the groups only", maxServers)},
			{"state", "any", stateParam}, {"name", "any", "part of the servers' names, in upper or lower case"}, atParam,
			{"topology", "none", "tag of the topology whose groups are known already, or `*` for any: then the answer has no groups"},
		},
	},
	{
		path: "/servers.bits", get: (*Dashboard).getServersBits, answer: "application/octet-stream", example: "state=up",
		does:   "One bit for each server that says whether it is in a state: bit i is server i, of the group if one is named, bit 0 the lowest of byte 0; ceil(n/8) bytes.",
		params: []param{{"state", "`up`", stateParam}, atParam, groupParam},
	},
	{
		path: "/servers.png", get: (*Dashboard).getServersPNG, answer: "image/png",
		does:   "The heat map as a picture. With `from`, what changed from then on.",
		params: append([]param{{"from", "none", momentForms}}, pictureParams...),
	},
	{
		path: "/servers.svg", get: (*Dashboard).getServersSVG, answer: "image/svg+xml",
		does:   fmt.Sprintf("The heat map as an SVG image that tells the servers' names, for at most %d servers.", heatmap.MaxSVG),
		params: pictureParams,
	},
	{
		path: "/probes", get: (*Dashboard).getProbes, answer: "Probed[]", example: "server=web-2",
		does: "Why servers are down, since when, and what each vantage saw: those that are down for all first, then those for some, unknown ones and those " +
			"that are up. X-Total-Count says how many there are. For a single server also its changes. Results that came late count at their time.",
		params: []param{
			{"server", "any", "name of a server"}, {"reach", "any", "`global`, `local`, `unknown` or `up`"},
			{"since", "24h", "how far back the changes of a single server go: a span, at most what the store keeps"}, limit(defaultProbes, maxProbes),
		},
	},
	{
		path: "/setup", get: (*Dashboard).getSetup, answer: "Setup",
		does: "How the installation is set up: the policies that collectors serve to agents, who is alerted, and what can be known of consent. No secret is in it. " +
			"`POST /api/v1/receivers/NAME/test` sends a test alert and its end to a receiver, for operators, and answers a list of ReceiverTest.",
	},
	{
		path: "/applications", get: (*Dashboard).getApplications, costly: true, answer: "Applications",
		does:   "What each release of each application has sent lately. X-Suppressed-Count says how many releases are not shown.",
		params: []param{{"since", "1h", "how far back: a span of at most 24h"}},
	},
	{
		path: "/collected", get: (*Dashboard).getCollected, answer: "Collected",
		does: "What users' reports contain, all of it, in words for users, made from the types of which reports are made.",
	},
	{
		path: "/me", get: (*Dashboard).getMe, answer: "Me",
		does: "Who asks, and what they may do. Status 401 means that nobody is logged in.",
	},
	{
		path: "/stream", get: (*Dashboard).getStream, endless: true, answer: "text/event-stream", example: "sections=now,servers",
		does: "Server-sent events. The first is `snapshot` (see Snapshot); later ones are named for a section, or `trouble`, and carry " +
			"that member anew, each at most once a second and only when it changed; a server that changes is told within a tenth of a second. Every 15 seconds comes `clock` with a comment. " +
			"Only what somebody watches is read from the store.",
		params: []param{{"sections", "all", "names joined by commas, each once; see Section"}},
	},
}
