package probe

// Detail is a number that an attempt found besides how it ended. A [Result] has details only if its
// attempt was asked for them.
type Detail struct {
	Name   string            // with the unit: "http_content_length"
	Labels map[string]string // usually nil; otherwise Value is 1
	Value  float64
}

// Detail adds a detail to the result, or replaces the one of the same name. It does nothing unless
// details were asked for by [WithDetails].
func (a *Attempt) Detail(name string, value float64, labels map[string]string) {
	if !a.detailed {
		return
	}
	d := Detail{Name: name, Labels: labels, Value: value}
	for i := range a.Result.Details {
		if a.Result.Details[i].Name == name {
			a.Result.Details[i] = d
			return
		}
	}
	a.Result.Details = append(a.Result.Details, d)
}

// Flag returns 1 for true and 0 for false.
func Flag(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
