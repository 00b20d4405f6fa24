package status

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"html/template"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// ContentSecurityPolicy lets the page load nothing but its own style sheet.
const ContentSecurityPolicy = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'"

var (
	//go:embed page.html.tmpl
	pageTemplate string
	//go:embed style.css
	style []byte
)

var page = template.Must(template.New("page").Funcs(template.FuncMap{
	"clock":     func(t time.Time) string { return t.UTC().Format("2 January 2006, 15:04 UTC") },
	"machine":   func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
	"lasted":    lasted,
	"disturbed": func(days []Day) (n int) { return disturbed(days) },
	"level":     level,
	"csp":       func() string { return ContentSecurityPolicy },
}).Parse(pageTemplate))

// Files returns the files of the page by name: index.html, feed.xml, style.css and status.json.
func (p *Page) Files() (map[string][]byte, error) {
	var html bytes.Buffer
	if err := page.Execute(&html, p); err != nil {
		return nil, fmt.Errorf("making the status page: %w", err)
	}
	feed, err := p.feed()
	if err != nil {
		return nil, fmt.Errorf("making the feed of the status page: %w", err)
	}
	data, err := json.MarshalIndent(p, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("making the data of the status page: %w", err)
	}
	return map[string][]byte{"index.html": html.Bytes(), "feed.xml": feed, "style.css": style, "status.json": append(data, '\n')}, nil
}

// Write puts the files into a directory, which is made if it is missing. Each replaces the one
// before at once, so that whoever copies them never reads half a file.
func Write(dir string, files map[string][]byte) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("making the directory of the status page: %w", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return fmt.Errorf("opening the directory of the status page: %w", err)
	}
	defer root.Close()
	for name, content := range files {
		draft := "." + name + ".new"
		err := root.WriteFile(draft, content, 0o644)
		if err == nil {
			err = root.Rename(draft, name)
		}
		if err != nil {
			return fmt.Errorf("writing %s: %w", filepath.Join(dir, name), err)
		}
	}
	return nil
}

// level is the class of a day: none, some minutes, or more than an hour.
func level(d Day) string {
	switch {
	case d.Minutes == 0:
		return "good"
	case d.Minutes < 60:
		return "some"
	default:
		return "long"
	}
}

func disturbed(days []Day) (n int) {
	for _, d := range days {
		if d.Minutes > 0 {
			n++
		}
	}
	return n
}

// lasted says how long an incident lasted.
func lasted(i Incident) string {
	minutes := int(i.Until.Sub(i.Since).Round(time.Minute) / time.Minute)
	switch {
	case minutes < 1:
		return "less than a minute"
	case minutes == 1:
		return "1 minute"
	case minutes < 120:
		return fmt.Sprintf("%d minutes", minutes)
	default:
		return fmt.Sprintf("%d h %d min", minutes/60, minutes%60)
	}
}

// The elements of RSS 2.0: https://www.rssboard.org/rss-specification
type rss struct {
	XMLName xml.Name `xml:"rss"`
	Version string   `xml:"version,attr"`
	Channel channel  `xml:"channel"`
}

type channel struct {
	Title       string `xml:"title"`
	Link        string `xml:"link"`
	Description string `xml:"description"`
	Language    string `xml:"language"`
	Built       string `xml:"lastBuildDate"`
	TTL         int    `xml:"ttl"` // minutes
	Items       []item `xml:"item"`
}

type item struct {
	Title       string `xml:"title"`
	Link        string `xml:"link"`
	GUID        guid   `xml:"guid"`
	Published   string `xml:"pubDate"`
	Description string `xml:"description"`
}

type guid struct {
	Permanent bool   `xml:"isPermaLink,attr"`
	Text      string `xml:",chardata"`
}

// maxTitle is the greatest length of an item's title in characters.
const maxTitle = 80

// feed returns the updates as RSS 2.0, with an item for the end of an incident.
func (p *Page) feed() ([]byte, error) {
	c := channel{Title: p.Title, Link: p.URL, Description: "Incidents of the last " + fmt.Sprint(Days) + " days", Language: "en",
		Built: p.At.Format(time.RFC1123Z), TTL: 5}
	for _, i := range p.Incidents {
		link := strings.TrimSuffix(p.URL, "/") + fmt.Sprintf("/#incident-%d", i.ID)
		if !i.Open() && !i.Updates[0].Resolved { // otherwise the update says so
			c.Items = append(c.Items, item{Title: "Resolved: " + shortened(i.Updates[0].Text), Link: link, Published: i.Until.Format(time.RFC1123Z),
				GUID: guid{Text: fmt.Sprintf("%s#incident-%d-resolved", p.URL, i.ID)}, Description: "It lasted " + lasted(i) + "."})
		}
		for _, u := range i.Updates {
			title := shortened(u.Text)
			if u.Resolved {
				title = "Resolved: " + title
			}
			c.Items = append(c.Items, item{Title: title, Link: link, Published: u.At.Format(time.RFC1123Z),
				GUID: guid{Text: fmt.Sprintf("%s#incident-%d-%d", p.URL, i.ID, u.Number)}, Description: template.HTMLEscapeString(u.Text)})
		}
	}
	text, err := xml.MarshalIndent(rss{Version: "2.0", Channel: c}, "", "  ")
	return append([]byte(xml.Header), append(text, '\n')...), err
}

// shortened returns the first line of a text, or its beginning.
func shortened(s string) string {
	s, _, _ = strings.Cut(s, "\n")
	if r := []rune(s); len(r) > maxTitle {
		return string(r[:maxTitle-1]) + "…"
	}
	return s
}
