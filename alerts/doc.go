// Package alerts notifies people and machines of incidents. It takes events from the outbox of a
// detector's store, records in the same store who was told what, and sends messages to receivers:
// Alertmanager, a webhook, Slack, PagerDuty, mail, or what the library shoutrrr reaches. Start with
// [New]; each kind of receiver is a package below this one.
//
// An alert stands for one incident and keeps the same key for as long as the incident is
// remembered. It is delivered to each receiver at least once. If the process dies before it can
// record a delivery, the receiver gets the alert again, with the same key.
package alerts
