package main

import (
	"bytes"
	"encoding/json"
)

// board is a dashboard in the JSON model of Grafana 10 and later, as far as these dashboards use
// it:
// https://grafana.com/docs/grafana/latest/dashboards/build-dashboards/view-dashboard-json-model/
type board struct {
	UID           string     `json:"uid"`
	Title         string     `json:"title"`
	Description   string     `json:"description"`
	Tags          []string   `json:"tags"`
	SchemaVersion int        `json:"schemaVersion"`
	Editable      bool       `json:"editable"`
	Refresh       string     `json:"refresh"`
	Time          span       `json:"time"`
	Templating    templating `json:"templating"`
	Annotations   struct{}   `json:"annotations"`
	Panels        []panel    `json:"panels"`
}

type span struct {
	From string `json:"from"`
	To   string `json:"to"`
}

type templating struct {
	List []variable `json:"list"`
}

// variable is a choice at the head of a dashboard: here always of a data source.
type variable struct {
	Name  string `json:"name"`
	Label string `json:"label"`
	Type  string `json:"type"`
	Query string `json:"query"`
}

type source struct {
	Type string `json:"type"`
	UID  string `json:"uid"`
}

type panel struct {
	ID          int      `json:"id"`
	Type        string   `json:"type"`
	Title       string   `json:"title"`
	Description string   `json:"description,omitempty"`
	GridPos     position `json:"gridPos"`
	Datasource  *source  `json:"datasource,omitempty"`
	Targets     []target `json:"targets,omitempty"`
	// FieldConfig is nil in rows, and only there.
	FieldConfig *fieldConfig `json:"fieldConfig,omitempty"`
	Options     any          `json:"options,omitempty"`
	*rowPanel
}

// rowPanel is what a row has besides. The panels of a row that is not collapsed follow it.
type rowPanel struct {
	Collapsed bool    `json:"collapsed"`
	Panels    []panel `json:"panels"`
}

// position is a place in a grid of 24 columns.
type position struct {
	H int `json:"h"`
	W int `json:"w"`
	X int `json:"x"`
	Y int `json:"y"`
}

type fieldConfig struct {
	Defaults  defaults `json:"defaults"`
	Overrides []any    `json:"overrides"`
}

type defaults struct {
	Unit       string     `json:"unit,omitempty"`
	Min        *float64   `json:"min,omitempty"`
	Max        *float64   `json:"max,omitempty"`
	Color      colour     `json:"color"`
	Thresholds thresholds `json:"thresholds"`
}

type colour struct {
	Mode string `json:"mode"`
}

type thresholds struct {
	Mode  string `json:"mode"`
	Steps []step `json:"steps"`
}

type step struct {
	Color string   `json:"color"`
	Value *float64 `json:"value"`
}

// target is a query: PromQL, or a path of the API for the Infinity data source.
type target struct {
	RefID        string `json:"refId"`
	Expr         string `json:"expr,omitempty"`
	LegendFormat string `json:"legendFormat,omitempty"`
	Instant      bool   `json:"instant,omitempty"`

	Type         string   `json:"type,omitempty"`
	Source       string   `json:"source,omitempty"`
	Parser       string   `json:"parser,omitempty"`
	Format       string   `json:"format,omitempty"`
	URL          string   `json:"url,omitempty"`
	RootSelector string   `json:"root_selector,omitempty"`
	Columns      []column `json:"columns,omitempty"`
}

// column is a member of the API's JSON.
type column struct {
	Selector string `json:"selector"`
	Text     string `json:"text"`
	Type     string `json:"type"` // string, number or timestamp
}

func (b *board) json() ([]byte, error) {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	err := enc.Encode(b)
	return out.Bytes(), err
}
