// Package alerts tells people and machines of incidents. It takes events from the outbox of a
// detector's store, keeps what it has told to whom in the same store, and hands messages to
// receivers: Alertmanager, a webhook, Slack, PagerDuty, mail.
//
// An alert stands for one incident and has one key for as long as the incident is remembered. It is
// delivered to each receiver at least once. What a receiver gets twice, because the process died
// before it could note the delivery, has the same key. Most readers need [New].
package alerts
