// Package policy defines the signed document that says what agents may do: how much they may send,
// which collectors they deliver to, and which key they seal to.
//
// Start with [Policy]. An operator signs a policy with [Sign]. An agent opens the policy that it
// was built with by calling [Open], and each later one with [Policy.Next], which refuses older
// ones. [Policy.Effective] returns the consent in force: a policy can lower what the user allowed
// and never raise it.
package policy
