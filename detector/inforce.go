package detector

// Thresholds are those in force, with the defaults filled in.
func (d *Detector) Thresholds() Floors { return d.o.Floors }
