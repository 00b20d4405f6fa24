// Package intake measures the detector's side of the way of a report: how many sealed batches a
// detector reads from a feed, opens and stores, beside a floor that only opens and decodes them.
// Most readers need [Floor] and [Run]. [RunBacklog]
// tells how much memory that takes.
package intake
