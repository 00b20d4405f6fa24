package judge

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// maxNames is the most names in a sentence; the rest become "and 7 more".
const maxNames = 3

func list(names []string) string {
	switch {
	case len(names) > maxNames+1:
		return fmt.Sprintf("%s and %d more", strings.Join(names[:maxNames], ", "), len(names)-maxNames)
	case len(names) < 2:
		return strings.Join(names, "")
	default:
		return strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1]
	}
}

// count formats n as a whole number with commas between thousands. A number above 0
// never becomes 0.
func count(n float64) string {
	if n > 0 && n < 1 {
		return "<1"
	}
	digits := strconv.FormatFloat(math.Round(n), 'f', 0, 64)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

// plural formats n and noun: "1 server", "2 servers", "2 deliveries".
func plural(n float64, noun string) string {
	switch {
	case math.Round(n) == 1:
	case strings.HasSuffix(noun, "y"):
		noun = noun[:len(noun)-1] + "ies"
	default:
		noun += "s"
	}
	return count(n) + " " + noun
}

// share formats part as a percentage of whole: "<0.1 %", "3.4 %", "57 %". It is "0 %" or "100 %"
// only if that is exact.
func share(part, whole float64) string {
	percent := 100 * part / whole
	switch {
	case percent <= 0:
		return "0 %"
	case percent < 0.1:
		return "<0.1 %"
	case percent < 9.95:
		return fmt.Sprintf("%.1f %%", percent)
	case percent >= 100:
		return "100 %"
	case percent >= 99:
		return fmt.Sprintf("%.1f %%", math.Floor(percent*10)/10)
	default:
		return fmt.Sprintf("%.0f %%", percent)
	}
}

// span formats a duration in its two largest units: "14 s", "3 min 5 s", "2 h 5 min", "3 d 4 h".
func span(d time.Duration) string {
	s := int(max(0, d) / time.Second)
	switch {
	case s < 60:
		return fmt.Sprintf("%d s", s)
	case s < 600:
		return units(s/60, "min", s%60, "s")
	case s < 3600:
		return fmt.Sprintf("%d min", s/60)
	case s < 86_400:
		return units(s/3600, "h", s%3600/60, "min")
	default:
		return units(s/86_400, "d", s%86_400/3600, "h")
	}
}

func units(major int, majorUnit string, minor int, minorUnit string) string {
	if minor == 0 {
		return fmt.Sprintf("%d %s", major, majorUnit)
	}
	return fmt.Sprintf("%d %s %d %s", major, majorUnit, minor, minorUnit)
}
