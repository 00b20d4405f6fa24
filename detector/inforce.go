package detector

// Thresholds are those in force, with the defaults filled in.
func (d *Detector) Thresholds() Thresholds { return d.o.Thresholds }
