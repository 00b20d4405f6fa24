package dashboards

import (
	"bytes"
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/heliograph-net/heliograph/dashboards/api"
	"github.com/heliograph-net/heliograph/model"
)

// markdownOf writes an incident for a post-mortem, with headings for what only people know.
func markdownOf(page *api.IncidentPage) []byte {
	i := &page.Incident
	m := &markdown{}
	title := page.Cause
	if title == "" {
		title = i.Title
	}
	m.line("# %s", plain(title))
	m.line("")
	m.line("- **Incident** %d, %s", i.ID, plain(strings.ReplaceAll(string(i.Verdict), "_", " ")))
	m.line("- **Since** %s", moment(i.Since))
	if i.Until.IsZero() {
		m.line("- **Until** it is open")
	} else {
		m.line("- **Until** %s, %s later", moment(i.Until), i.Until.Sub(i.Since).Round(time.Second))
	}
	m.line("- **Target** %s of %s", plain(i.Target), plain(i.App))
	m.line("- **Worst minutes** %.0f of %.0f requests failed where %.1f were expected; %d clients", i.Failed, i.Requests, i.Expected, i.Clients)
	if i.Muted != nil {
		m.line("- **Muted** until %s by %s: %s", moment(i.Muted.Until), plain(cmp.Or(i.Muted.Who, "somebody")), plain(i.Muted.Reason))
	}
	if page.Runbook != "" {
		m.line("- **Runbook** <%s>", page.Runbook)
	}
	m.timeline(page.Timeline)
	m.list("Evidence", i.Evidence)
	m.others(i)
	m.changes(page.Changes)
	m.cells(page.Cells)
	m.servers(page.Servers)
	m.list("Notes", notes(i.Notes))
	m.list("Recurrences", titles(page.Recurrences))
	for _, heading := range []string{"What happened", "What helped", "What will be done"} {
		m.line("")
		m.line("## %s", heading)
		m.line("")
	}
	return m.Bytes()
}

// markdown is a text that is being written.
type markdown struct{ bytes.Buffer }

func (m *markdown) line(format string, args ...any) { fmt.Fprintf(m, format+"\n", args...) }

// section begins a section.
func (m *markdown) section(heading string) {
	m.line("")
	m.line("## %s", heading)
	m.line("")
}

func (m *markdown) list(heading string, sentences []string) {
	if len(sentences) == 0 {
		return
	}
	m.section(heading)
	for _, s := range sentences {
		m.line("- %s", plain(s))
	}
}

func (m *markdown) timeline(moments []api.Moment) {
	m.section("Timeline")
	for i := range moments {
		m.line("- %s: %s", moment(moments[i].At), plain(moments[i].Text))
	}
}

// others are the other explanations of who is hit.
func (m *markdown) others(i *api.Incident) {
	if len(i.Others) == 0 {
		return
	}
	m.section("Explanations")
	for k, s := range append([]api.Scope{i.Scope}, i.Others...) {
		if k == 0 {
			m.line("1. %s, which explains %.0f %% of the failures", plain(scopeWords(&s)), 100*i.Share)
			continue
		}
		m.line("%d. %s", k+1, plain(scopeWords(&s)))
	}
}

// scopeWords is who is in a scope.
func scopeWords(s *api.Scope) string {
	all := model.Scope{Countries: s.Countries, Servers: s.Servers, Versions: s.Versions, Systems: s.Systems, Protocols: s.Protocols, Statuses: s.Statuses, Collectors: s.Collectors}
	names := map[uint32]string{}
	for _, n := range s.Networks {
		all.ASNs, names[n.ASN] = append(all.ASNs, n.ASN), n.Name
	}
	return all.Words(func(asn uint32) string { return names[asn] })
}

func (m *markdown) changes(changes []api.Change) {
	if len(changes) == 0 {
		return
	}
	m.section("What else changed")
	for _, c := range changes {
		m.line("- %s: %s", moment(c.At), plain(c.Text))
	}
}

func (m *markdown) cells(cells []api.Total) {
	if len(cells) == 0 {
		return
	}
	m.section("Where")
	m.line("| where | failed | requests | clients |")
	m.line("|---|---:|---:|---:|")
	for i := range cells {
		c := &cells[i]
		m.line("| %s | %.0f | %.0f | %d |", plain(placeOf(c)), c.Failed, c.OK+c.Failed, c.Clients)
	}
}

// placeOf says which network, country, server or protocol a row is of.
func placeOf(c *api.Total) string {
	switch {
	case c.ASN != nil:
		return strings.TrimSpace(fmt.Sprintf("%s AS%d", c.ASName, *c.ASN))
	case c.Country != nil:
		return "country " + *c.Country
	case c.Server != nil:
		return "server " + *c.Server
	case c.Protocol != nil && *c.Protocol != "":
		return "protocol " + *c.Protocol
	default:
		return "no protocol, because it did not get that far"
	}
}

func (m *markdown) servers(servers []api.Probed) {
	if len(servers) == 0 {
		return
	}
	m.section("What the probers hold")
	for i := range servers {
		s := &servers[i]
		m.line("- %s: %s %s", plain(s.Name), s.Reach, plain(s.Why))
	}
}

func notes(all []api.Note) (told []string) {
	for i := range all {
		n := &all[i]
		text := fmt.Sprintf("%s, %s: %s", moment(n.At), cmp.Or(n.Who, "somebody"), n.Text)
		if n.Kind != api.NoteText {
			text = moment(n.At) + ", " + deedWords(n)
			if n.Text != "" && n.Kind != api.NoteMute { // whose words have it
				text += ": " + n.Text
			}
		}
		told = append(told, text)
	}
	return told
}

func titles(incidents []api.Incident) (all []string) {
	for i := range incidents {
		all = append(all, moment(incidents[i].Since)+": "+incidents[i].Title)
	}
	return all
}

func moment(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

// plain escapes what Markdown and HTML would take for more than text. Anybody can put names of
// servers and versions into reports.
func plain(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		// controls, also of direction
		case r < ' ' || r == 0x7f || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069:
			b.WriteByte(' ')
		case strings.ContainsRune("\\`*_[]<>|#!", r):
			b.WriteByte('\\')
			b.WriteRune(r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}
