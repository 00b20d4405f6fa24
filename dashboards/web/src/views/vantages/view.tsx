import { useState } from "preact/hooks";
import type { Probed } from "../../api.gen.ts";
import { fetchProbed, fetchProbes } from "../../ask.ts";
import { clock, plural, shortened } from "../../format.ts";
import { now, useSection } from "../../live/store.ts";
import { query } from "../../router.ts";
import { useAsked } from "../../ui/asked.ts";
import { moved, type Cursor } from "../../ui/cursor.ts";
import { Long, Short } from "../../ui/long.tsx";
import { Panel } from "../../ui/parts.tsx";
import { Findings, placeOf } from "../findings.tsx";
import { findingOf, signs, stateOf, told, words, type CellState } from "./cell.ts";
import { vantagesOf, type Vantage } from "./vantages.ts";

const most = 300;
const refreshMS = 10_000;

/** What each vantage of the probers holds of each server, and why. */
export function Vantages() {
  const live = useSection("servers"); // says when to ask again
  const [servers] = useAsked(() => fetchProbes(most), [live?.states, Math.floor(now.value / refreshMS)]);
  const chosen = new URLSearchParams(query.value).get("server");
  if (servers === undefined) return null;
  return (
    <div class="vantages">
      {chosen !== null && <One key={chosen} name={chosen} />}
      <Panel id="vantages" title="Vantages" note={<Key />}>
        {servers.length === 0 ? (
          <p class="empty">
            No servers are probed. List them under <code>prober: targets</code> in the configuration.
          </p>
        ) : (
          <>
            <Find servers={servers} />
            <Matrix servers={servers} vantages={vantagesOf(servers).sort((a, b) => a.name.localeCompare(b.name))} />
          </>
        )}
      </Panel>
    </div>
  );
}

/** Leads to a server by its name; the names of those that are listed are offered. */
function Find({ servers }: { servers: Probed[] }) {
  const [name, setName] = useState("");
  const go = (event: Event) => {
    event.preventDefault();
    if (name.trim() !== "") location.hash = addressOf(name.trim());
  };
  return (
    <form class="ask" onSubmit={go}>
      <label>
        Server <input value={name} list="server-names" placeholder="its name" onInput={(event) => setName(event.currentTarget.value)} />
      </label>
      <datalist id="server-names">
        {servers.map((s) => (
          <option key={s.name} value={s.name} />
        ))}
      </datalist>
      <button>Show</button>
    </form>
  );
}

function Key() {
  return (
    <span class="key">
      {(Object.keys(words) as CellState[]).map((state) => (
        <span key={state}>
          <i class={`swatch saw-${state}`}>{signs[state]}</i> {words[state]}{" "}
        </span>
      ))}
    </span>
  );
}

/** A row for each server, those that are down first, and a column for each vantage. */
function Matrix({ servers, vantages }: { servers: Probed[]; vantages: Vantage[] }) {
  const [cursor, setCursor] = useState<Cursor | undefined>(undefined);
  const server = cursor && servers[cursor.row];
  const vantage = cursor && vantages[cursor.column];
  const key = (event: KeyboardEvent) => {
    if (event.key === "Enter" && server) location.hash = addressOf(server.name);
    const next = moved(event.key, cursor, servers.length, vantages.length, { row: 0, column: 0 });
    if (next === undefined) return;
    event.preventDefault();
    setCursor(next);
  };
  const point = (event: Event) => {
    const cell = (event.target as Element).closest<HTMLElement>("td[data-row]");
    setCursor(cell === null ? undefined : { row: Number(cell.dataset["row"]), column: Number(cell.dataset["column"]) });
  };
  return (
    <>
      <p class="readout" aria-live="polite">
        {server && vantage ? told(server, vantage.name, now.value) : "Point at a cell, or use the arrow keys; Enter shows all of a server."}
      </p>
      <div
        class="matrix"
        tabIndex={0}
        role="group"
        aria-label="Servers by vantages. Arrow keys move from cell to cell, Enter shows all of a server."
        onKeyDown={key}
        onPointerOver={point}
        onPointerLeave={() => setCursor(undefined)}
        onBlur={() => setCursor(undefined)}
      >
        <table>
          <thead>
            <tr>
              <th scope="col">Server</th>
              {vantages.map((v) => (
                <th key={v.name} scope="col" class="vantage-head">
                  <Short text={v.name} most={24} />
                  {v.country && <span class="muted"> {v.country}</span>}
                  <span class="muted"> {v.down > 0 ? `${v.down} down` : v.unsure > 0 && v.up === 0 ? "in doubt" : ""}</span>
                </th>
              ))}
              <th scope="col" class="wide">
                Why
              </th>
            </tr>
          </thead>
          <tbody>
            {servers.map((s, row) => (
              <tr key={s.name}>
                <th scope="row" class="anywhere">
                  <a href={addressOf(s.name)}>
                    <Short text={s.name} most={48} />
                  </a>
                </th>
                {vantages.map((v, column) => {
                  const state = stateOf(findingOf(s, v.name));
                  const at = cursor?.row === row && cursor.column === column;
                  return (
                    <td key={v.name} class={`saw saw-${state}${at ? " at" : ""}`} data-row={row} data-column={column}>
                      {signs[state]}
                      <span class="visually-hidden">{words[state]}</span>
                    </td>
                  );
                })}
                <td class="wide anywhere">
                  <Long text={s.why ?? (s.reach === "unknown" ? "the vantages do not know" : "")} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {servers.length >= most && <p class="muted">The first {most}, those that are down before others.</p>}
    </>
  );
}

function addressOf(server: string): string {
  return `#/vantages?${new URLSearchParams({ server })}`;
}

/** One server: what each vantage saw last, and when each changed its mind. */
function One({ name }: { name: string }) {
  const [server] = useAsked(async () => (await fetchProbed(name)) ?? "none", [name, Math.floor(now.value / refreshMS)]);
  if (server === undefined) return null;
  if (server === "none") {
    return (
      <Panel id="one-server" title={name}>
        <p class="empty">
          No server of this name is probed. <a href="#/vantages">All servers</a>
        </p>
      </Panel>
    );
  }
  const changes = server.changes ?? [];
  return (
    <Panel id="one-server" title={`${server.name} ${reachWords[server.reach] ?? ""}`} note={<a href="#/vantages">All servers</a>}>
      <p>
        <Long text={server.why ?? ""} />{" "}
        <span class="muted">
          {placeOf(server)} {server.address && <Long text={`› ${server.address}`} />}
        </span>
      </p>
      <Findings server={server} />
      <h3>Changes in the last 24 hours</h3>
      {changes.length === 0 ? (
        <p class="empty">None.</p>
      ) : (
        <ul>
          {changes.map((c) => (
            <li key={`${c.vantage} ${c.at}`}>
              {clock(Date.parse(c.at), now.value)} <b>{shortened(c.vantage)}</b>: {c.judgement} <code>{c.outcome}</code> {c.phase !== undefined && c.outcome !== "ok" && `in ${c.phase}`}
            </li>
          ))}
        </ul>
      )}
      <p class="muted">{plural(server.vantages.length, "vantage")}</p>
    </Panel>
  );
}

const reachWords: Record<string, string> = { global: "is down for all", local: "is down for some", up: "is up", unknown: "is not known" };
