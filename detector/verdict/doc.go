// Package verdict says what causes an incident. It weighs what three witnesses tell: the clients'
// reports, the probers, and the deliveries to the collectors.
//
// [Judge] goes through one table of rules, from the top; the first rule that holds decides. The
// same table is in docs/verdicts.md. The package is pure.
package verdict
