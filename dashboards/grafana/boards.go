package main

// boards returns the dashboards.
func boards() []*board { return []*board{health(), service()} }

// health shows how Heliograph itself fares, by the metrics of all its processes.
func health() *board {
	b := newBoard("heliograph-health", "Heliograph: health", "How Heliograph itself fares: whether it can see, store and tell. What it sees of your service is on its own page.",
		variable{"prometheus", "Prometheus", "datasource", "prometheus"})
	b.row("Can it see and tell?")
	b.stat("Processes down", "Processes of Heliograph that Prometheus cannot reach.", "short", 1, query{`count(up{job="heliograph"} == 0) or vector(0)`, ""})
	b.stat("Blind", "1 while the detector can judge nothing; heliograph_detector_condition says why.", "short", 1, query{`max(heliograph_detector_blind)`, ""})
	b.stat("Age of the newest report", "Since a collector last received a batch that the detector has.", "s", 300, query{`time() - max(heliograph_detector_newest_batch_timestamp_seconds)`, ""})
	b.stat("Judged until", "How long ago the last judged bin ended.", "s", 180, query{`time() - max(heliograph_detector_evaluated_timestamp_seconds)`, ""})
	b.stat("Open incidents", "Incidents of your service that are open.", "short", 1, query{`sum(heliograph_detector_open_incidents)`, ""})
	b.stat("Alerts not delivered", "Attempts of the last hour to alert somebody that were refused or failed.", "short", 1,
		query{`sum(increase(heliograph_alerts_deliveries_total{result!="ok"}[1h])) or vector(0)`, ""})

	b.row("Collectors")
	b.series("Uploads", "Batches of reports, by what the collector decided.", "reqps", query{`sum by (collector, decision) (rate(heliograph_collector_batches_total[$__rate_interval]))`, "{{collector}} {{decision}}"})
	b.series("Time to a receipt", "99 of 100 uploads have their receipt within this time.", "s",
		query{`histogram_quantile(0.99, sum by (collector, le) (rate(heliograph_collector_request_duration_seconds_bucket{route="batches"}[$__rate_interval])))`, "{{collector}}"})
	b.series("Turned away", "Uploads that were turned away before their bodies were read.", "reqps", query{`sum by (collector, cause) (rate(heliograph_collector_shed_uploads_total[$__rate_interval]))`, "{{collector}} {{cause}}"})
	b.series("Not yet read by detectors", "Batches that a detector has not acknowledged.", "short", query{`max by (collector, reader) (heliograph_collector_feed_lag_batches)`, "{{collector}} {{reader}}"})
	b.series("Inbox", "Bytes in use, and those at which it is full.", "bytes", query{`max by (collector) (heliograph_collector_inbox_bytes)`, "{{collector}}"},
		query{`max by (collector) (heliograph_collector_inbox_limit_bytes)`, "{{collector}} full"})
	b.series("Relay", "Requests by status code.", "reqps", query{`sum by (route, code) (rate(heliograph_relay_requests_total[$__rate_interval]))`, "{{route}} {{code}}"})

	b.row("Detector")
	b.series("Batches", "Batches taken from feeds, by what they were.", "reqps", query{`sum by (result) (rate(heliograph_detector_batches_total[$__rate_interval]))`, "{{result}}"})
	b.series("Receipts without batches", "Batches that collectors signed for and that never came.", "short", query{`max by (collector) (heliograph_detector_receipts_unkept)`, "{{collector}}"})
	b.series("Quarantine", "Batches that cannot be opened, by reason.", "short", query{`max by (reason) (heliograph_detector_quarantine_batches)`, "{{reason}}"})
	b.series("Store", "Bytes in use, and those from which on the oldest data goes early.", "bytes", query{`max(heliograph_detector_store_bytes)`, "in use"}, query{`max(heliograph_detector_store_max_bytes)`, "most"})
	b.series("Series", "Series told apart, and those given up because there were too many.", "short", query{`max(heliograph_detector_series)`, "told apart"}, query{`sum(increase(heliograph_detector_evicted_series_total[1h]))`, "given up in an hour"})
	b.series("Troubles", "Operations that failed and are tried again.", "short", query{`sum by (where) (increase(heliograph_detector_troubles_total[$__rate_interval]))`, "detector {{where}}"},
		query{`sum by (where) (increase(heliograph_alerts_troubles_total[$__rate_interval]))`, "alerts {{where}}"})

	b.row("Probers")
	b.series("Servers", "Servers by what the vantages say together.", "short", query{`max by (reach) (heliograph_detector_servers)`, "{{reach}}"})
	b.series("Attempts", "Probes by outcome.", "reqps", query{`sum by (outcome) (rate(heliograph_prober_probes_total[$__rate_interval]))`, "{{outcome}}"})
	b.series("In doubt", "1 while a vantage cannot reach its witnesses, so that what it finds does not count.", "short", query{`max by (instance) (heliograph_prober_vantage_in_doubt)`, "{{instance}}"})

	b.row("Error budgets")
	b.series("Budget left", "Share of the error budget of 30 days that is left.", "percentunit", query{`max by (target, within) (heliograph_objective_budget_left)`, "{{target}} {{within}}"})
	b.series("Burn rate", "1 spends the budget in exactly 30 days.", "short", query{`max by (target, window) (heliograph_objective_burn_rate)`, "{{target}} {{window}}"})
	b.series("Latency", "Time until the head of the response, of successful requests of the last hour.", "s", query{`max by (target, quantile) (heliograph_objective_latency_seconds)`, "{{target}} {{quantile}}"})
	return b
}

// service shows what users report, by the API of Heliograph's dashboard.
func service() *board {
	b := newBoard("heliograph-service", "Heliograph: service", "What users' requests and the probers say of your service, from the API of Heliograph's dashboard.",
		variable{"heliograph", "Heliograph", "datasource", infinity.Type})
	b.words("Now", "The state of everything in one sentence.", "/api/v1/now", column{"headline", "Headline", "string"})
	b.words("Level", "calm, unsure, degraded_delivery, incident or silent.", "/api/v1/now", column{"state", "Level", "string"})
	b.words("Who is hit", "Empty if nobody is.", "/api/v1/now", column{"who", "Who", "string"})
	b.table("Incidents of a day", "Open ones first.", "/api/v1/incidents?since=24h", "", column{"title", "What", "string"}, column{"verdict", "Verdict", "string"},
		column{"since", "Since", "timestamp"}, column{"until", "Until", "timestamp"}, column{"clients", "Clients", "number"}, column{"acknowledged", "Acknowledged", "string"})
	b.table("Requests of the last hour, by outcome", "Most failures first.", "/api/v1/totals?since=1h&by=type", "", column{"type", "Outcome", "string"},
		column{"ok", "OK", "number"}, column{"failed", "Failed", "number"}, column{"clients", "Clients", "number"})
	b.table("Requests of the last hour, by network", "Most failures first.", "/api/v1/totals?since=1h&by=asn&limit=50", "", column{"as_name", "Network", "string"}, column{"asn", "AS", "number"},
		column{"ok", "OK", "number"}, column{"failed", "Failed", "number"}, column{"clients", "Clients", "number"})
	b.table("Servers that are down", "For all, then for some.", "/api/v1/probes?reach=global&limit=50", "", column{"name", "Server", "string"}, column{"reach", "For", "string"},
		column{"why", "Why", "string"}, column{"since", "Since", "timestamp"})
	b.table("What each release sends", "The last hour.", "/api/v1/applications", "rows", column{"app", "Application", "string"}, column{"version", "Version", "string"},
		column{"per_minute", "Per minute", "number"}, column{"failed", "Failed", "number"}, column{"last_seen", "Last seen", "timestamp"})
	b.table("Parts", "Detector, collectors and vantages.", "/api/v1/parts", "", column{"kind", "Kind", "string"}, column{"name", "Name", "string"}, column{"state", "State", "string"}, column{"text", "What is wrong", "string"})
	return b
}
