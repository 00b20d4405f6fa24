package main

// Data sources, as an importer chooses them. The names are those of the variables.
var (
	prometheus = source{"prometheus", "${prometheus}"}
	infinity   = source{"yesoreyeram-infinity-datasource", "${heliograph}"}
)

// The colours of Heliograph's own page, which everybody can tell apart.
const (
	blue      = "#0072b2"
	vermilion = "#d55e00"
)

func newBoard(uid, title, description string, v variable) *board {
	return &board{UID: uid, Title: title, Description: description, Tags: []string{"heliograph"}, SchemaVersion: 39, Editable: true, Refresh: "30s",
		Time: span{"now-6h", "now"}, Templating: templating{[]variable{v}}}
}

// columns of a dashboard, and the height of a panel.
const (
	gridWidth   = 24
	panelHeight = 8
	statHeight  = 4
)

// row adds a heading.
func (b *board) row(title string) {
	b.add(panel{Type: "row", Title: title, GridPos: position{H: 1, W: gridWidth}, rowPanel: &rowPanel{Panels: []panel{}}})
}

// add places a panel to the right of the last one, or below if there is no room.
func (b *board) add(p panel) {
	p.ID = len(b.Panels) + 1
	if len(b.Panels) > 0 {
		last := b.Panels[len(b.Panels)-1].GridPos
		p.GridPos.X, p.GridPos.Y = last.X+last.W, last.Y
		if p.GridPos.X+p.GridPos.W > gridWidth {
			p.GridPos.X, p.GridPos.Y = 0, last.Y+last.H
		}
	}
	if p.FieldConfig != nil && p.FieldConfig.Overrides == nil {
		p.FieldConfig.Overrides = []any{}
	}
	b.Panels = append(b.Panels, p)
}

// query is PromQL, and what its series are called.
type query struct{ expr, legend string }

func promql(queries []query) (all []target) {
	for i, q := range queries {
		all = append(all, target{RefID: string(rune('A' + i)), Expr: q.expr, LegendFormat: q.legend})
	}
	return all
}

// series adds a panel with curves, three in a row.
func (b *board) series(title, description, unit string, queries ...query) {
	b.add(panel{Type: "timeseries", Title: title, Description: description, GridPos: position{H: panelHeight, W: gridWidth / 3}, Datasource: &prometheus,
		Targets: promql(queries), FieldConfig: plain(unit, "palette-classic"),
		Options: map[string]any{"legend": map[string]any{"displayMode": "list", "placement": "bottom", "showLegend": true}, "tooltip": map[string]any{"mode": "multi"}}})
}

// stat adds a panel with a number, blue below the threshold and vermilion from there on; six in a
// row.
func (b *board) stat(title, description, unit string, bad float64, q query) {
	f := plain(unit, "thresholds")
	f.Defaults.Thresholds.Steps = []step{{Color: blue}, {Color: vermilion, Value: &bad}}
	b.add(panel{Type: "stat", Title: title, Description: description, GridPos: position{H: statHeight, W: gridWidth / 6}, Datasource: &prometheus,
		Targets: promql([]query{q}), FieldConfig: f, Options: lastValue()})
}

// table adds a panel with what the API answers, in the whole width.
func (b *board) table(title, description, path, root string, columns ...column) {
	b.add(panel{Type: "table", Title: title, Description: description, GridPos: position{H: panelHeight, W: gridWidth}, Datasource: &infinity,
		Targets: api(path, root, columns), FieldConfig: plain("", "fixed"), Options: map[string]any{"showHeader": true}})
}

// words adds a panel with one text of the API.
func (b *board) words(title, description, path string, c column) {
	f := plain("", "fixed")
	b.add(panel{Type: "stat", Title: title, Description: description, GridPos: position{H: statHeight, W: gridWidth / 3}, Datasource: &infinity,
		Targets: api(path, "", []column{c}), FieldConfig: f, Options: map[string]any{"reduceOptions": map[string]any{"calcs": []string{"lastNotNull"}, "fields": "/.*/"}, "textMode": "value"}})
}

func api(path, root string, columns []column) []target {
	return []target{{RefID: "A", Type: "json", Source: "url", Parser: "backend", Format: "table", URL: path, RootSelector: root, Columns: columns}}
}

func plain(unit, mode string) *fieldConfig {
	return &fieldConfig{Defaults: defaults{Unit: unit, Color: colour{mode}, Thresholds: thresholds{Mode: "absolute", Steps: []step{{Color: blue}}}}}
}

func lastValue() any {
	return map[string]any{"reduceOptions": map[string]any{"calcs": []string{"lastNotNull"}, "fields": "", "values": false}, "colorMode": "value", "graphMode": "area"}
}
