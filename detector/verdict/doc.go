// Package verdict determines the cause of an incident from three witnesses: the clients' reports,
// the probers, and the deliveries to the collectors.
//
// Start with [Judge]. It goes through one table of rules from the top, and the first rule that
// holds decides. docs/verdicts.md has the same table. The package is pure: it reads no clock and
// keeps nothing.
package verdict
