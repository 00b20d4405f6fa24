package verdict

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/heliograph-net/heliograph/model"
)

// maxNames is the most names in a sentence. The rest become "and 7 more".
const maxNames = 3

func signal(code model.SignalCode, format string, args ...any) model.Signal {
	return model.Signal{Code: code, Text: fmt.Sprintf(format, args...)}
}

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

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	if strings.HasSuffix(noun, "x") {
		noun += "e"
	}
	return count(float64(n)) + " " + noun + "s"
}

// count formats a whole number with commas between thousands.
func count(n float64) string {
	digits := strconv.FormatFloat(math.Round(n), 'f', 0, 64)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

// percent formats a share, such as "93 %". Only a share of 1 is "100 %", and only a share of 0 is
// "0 %".
func percent(share float64) string {
	p := math.Round(100 * share)
	switch {
	case share > 0 && p < 1:
		return "<1 %"
	case share < 1 && p >= 100:
		return ">99 %"
	default:
		return strconv.FormatFloat(p, 'f', 0, 64) + " %"
	}
}

func numbers[T uint16 | uint32](all []T) (words []string) {
	for _, n := range all {
		words = append(words, strconv.FormatUint(uint64(n), 10))
	}
	return words
}

// wasWere returns an expected number with its verb.
func wasWere(n float64) string {
	switch {
	case n < 0.1:
		return "hardly any was"
	case n < 10:
		return fmt.Sprintf("%.1f were", n)
	default:
		return count(n) + " were"
	}
}

func doDoes(n int) string {
	if n == 1 {
		return "does"
	}
	return "do"
}

func reachReaches(n int) string {
	if n == 1 {
		return "reaches"
	}
	return "reach"
}
