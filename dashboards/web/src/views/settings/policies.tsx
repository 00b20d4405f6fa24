import type { PolicyCollector, ServedPolicy } from "../../api.gen.ts";
import { count, share, span } from "../../format.ts";
import { now } from "../../live/store.ts";
import { Panel } from "../../ui/parts.tsx";

/** What the collectors tell agents to do. */
export function Policies({ policies }: { policies: ServedPolicy[] }) {
  return (
    <Panel id="policies" title="Policy of the agents">
      {policies.length === 0 && <p class="empty">No collector is known here.</p>}
      {policies.map((p) => (
        <section key={p.collector} aria-label={`Policy that ${p.collector} serves`}>
          <h3>Served by {p.collector}</h3>
          {p.fault !== undefined && <p class="bad-text">{p.fault}</p>}
          {p.version > 0 && <Policy policy={p} />}
        </section>
      ))}
    </Panel>
  );
}

function Policy({ policy: p }: { policy: ServedPolicy }) {
  const rows: [string, string][] = [
    ["Version", `${p.version}${p.issued === undefined ? "" : `, issued ${day(Date.parse(p.issued))}`}`],
    ["Expires", p.expires === undefined ? "–" : expiry(Date.parse(p.expires))],
    ["Recording", p.disabled ? "switched off for everybody" : `at most ${p.most_consent}, as far as a user allows it`],
    ["Windows", `${span(p.window_seconds * 1000)}; ${share(p.success_share, 1)} of those without a failure are sent`],
    ["First failure", p.early_seconds > 0 ? `told within ${span(p.early_seconds * 1000)}` : "told with its window"],
    ["Limits", `${count(p.samples)} samples a window, ${count(p.bytes_per_day / (1 << 20))} MiB a day`],
    ["Agents ask again", `every ${span(p.refresh_seconds * 1000)}`],
    ["Keys", `sealed to ${p.seal_key}; the next policy may be signed by ${p.signers.join(" or ")}`],
  ];
  return (
    <>
      <dl>
        {rows.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      <ul>
        {p.collectors.map((c) => (
          <li key={c.id}>
            <CollectorLine collector={c} />
          </li>
        ))}
      </ul>
    </>
  );
}

function CollectorLine({ collector: c }: { collector: PolicyCollector }) {
  return (
    <>
      <b>{c.id}</b> {c.url}, priority {c.priority}, weight {c.weight}, receipts by key {c.receipt_key}
      {c.relay !== undefined && `, through ${c.relay}`}
    </>
  );
}

function day(at: number): string {
  return new Date(at).toISOString().slice(0, 10);
}

function expiry(at: number): string {
  const left = at - now.value;
  return left <= 0 ? `expired on ${day(at)}` : `${day(at)}, in ${span(left)}`;
}
