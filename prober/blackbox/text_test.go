package blackbox

import "testing"

func TestTextFormat(t *testing.T) {
	got := string(format([]family{
		gauge("probe_success", 1, nil),
		{"probe_a", []sample{{map[string]string{"y": "a\"b\\c\nd", "x": ""}, 1.5}, {map[string]string{"y": "ü"}, 3.668918509e+09}}},
	}))
	want := `# HELP probe_a As blackbox_exporter has it
# TYPE probe_a gauge
probe_a{x="",y="a\"b\\c\nd"} 1.5
probe_a{y="ü"} 3.668918509e+09
# HELP probe_success Displays whether or not the probe was a success
# TYPE probe_success gauge
probe_success 1
`
	if got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
