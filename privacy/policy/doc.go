// Package policy is the signed document that says what agents may do and where they deliver: how
// much they may send, which collectors there are, and to which key they seal.
//
// An operator signs with [Sign]. An agent opens the policy that it was built with by [Open], and
// each one that follows by [Policy.Next], which refuses older ones. [Policy.Effective] is the consent
// in force: a policy lowers what the user allowed and never raises it.
package policy
