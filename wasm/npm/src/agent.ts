// The agent in the page: consent, hooks, the page's life, and the worker when there is
// something for it.

import { database, leftover } from "./database.ts";
import { hookFetch } from "./fetch.ts";
import type { AgentStats, Consent, Heliograph, Options, Status } from "./heliograph.d.ts";
import { newHooks } from "./hook.ts";
import { newLink } from "./link.ts";
import { fromExtension, noise as usualNoise } from "./noise.ts";
import type { Level, Reason } from "./messages.ts";
import { ofError, ofStatus, split } from "./outcome.ts";
import { own } from "./own.ts";
import { afterLoad, watchProtocols } from "./page.ts";
import { newRecorder } from "./recorder.ts";
import { hookResources } from "./resources.ts";
import { ticks, type Watch } from "./watch.ts";
import { hookXHR } from "./xhr.ts";

// Bundles may hold this module twice; two agents would count everything twice.
export const key = Symbol.for("heliograph");
export const page = globalThis as typeof globalThis & { [key]?: Heliograph | undefined };

const levels: readonly Consent[] = ["off", "counts", "diagnostics"];
// Bytes. Requests that outlive a page share 64 KiB with the application's.
const maxParcels = 48 << 10;
// Milliseconds in which a page goes after Firefox has ended its requests.
const leaveTime = 1000;

/**
 * newAgent starts an agent. here is the script's own address; a bundle may not know it. Neither it
 * nor a method of what it returns throws: where there is no page (a server renders it), or with
 * options that do not do, the agent is blocked from the start.
 */
export function newAgent(options: Options, here: string | undefined): Heliograph {
  const { app, version = "", policy, consent, successFraction, ignore, ignoreError, noise = usualNoise, onstatus, assets = here && new URL(".", here) } = own(options);
  const fetch = page.fetch; // beneath the hooks: the agent does not observe itself
  const asset = (name: string) => absolute(assets!).replace(/\/?$/, `/heliograph.${name}?${RELEASE}`);
  const hooks = newHooks(); // there while there is consent
  const life = newHooks(); // there until stop

  let level: Level = 0;
  let since = 0; // milliseconds since 1970: what began before the consent in force is not recorded
  let left = 0; // milliseconds since 1970: when the user last began to leave the page
  let doubtful: ((gone?: boolean) => void)[] = []; // requests that failed since, perhaps for that
  let over: boolean | undefined; // stopped, or blocked for good
  let wanted: boolean | undefined; // the worker
  let status: Status = { state: "off" };
  let protocols: Map<string, string> | undefined;
  let settle = () => {};
  let agreed: boolean | undefined; // the worker knows the level

  const active = () => level > 0 && !over;

  const show = (next: Status) => {
    status = next;
    try {
      onstatus?.({ ...next });
    } catch {
      // The application's own mistake.
    }
  };

  const need = () => {
    settle(); // what was answered belongs to the window that is to be sealed
    if (!wanted) afterLoad(load);
    wanted = true;
  };

  const load = () => {
    if (over || link.running()) return;
    if (active() && status.state !== "loading") show({ state: "loading" });
    link.launch();
  };

  const handOver = () => {
    if (link.running()) recorder.takeAll().forEach(link.tell);
  };

  const link = newLink(
    () => asset("worker.js"),
    () => ({
      t: "init", app, version, consent: level,
      policy: (policy as Uint8Array).buffer ? policy as Uint8Array : absolute(policy as string), wasm: asset("wasm"), db: database,
    }),
    {
      ready() {
        link.tell({ t: "consent", level }); // it may have changed meanwhile
        recorder.workerRuns(true);
        handOver();
        show({ state: level ? "running" : "off" });
      },
      status(stats) {
        if (stats.consent === level) agreed = true;
        else if (agreed && !stats.consent) return choose(0); // in another tab
        if (stats.done && !level) drop();
        else show({ ...status, agent: stats });
      },
      failed(reason, text, final) {
        recorder.workerRuns(false);
        if (final) block(reason, text);
        else if (active()) show({ state: "loading", reason, text });
      },
    },
  );

  const recorder = newRecorder({ fraction: successFraction! >= 0 ? successFraction! : 0.05, need, due: handOver });

  // Nothing that the application's ignore throws, or the look at what it threw itself, gets
  // back into it.
  const safely = (call: () => void) => {
    try {
      if (active()) call();
    } catch {
      // Then this is not recorded.
    }
  };

  const watch: Watch = {
    active,
    ended: (r, outcome = ofStatus(r.status), protocol) => safely(() => {
      const target = split(r.url, r.relativeTo);
      if (!target || r.start < since || ignore?.(target.url)) return;
      const details = level > 1 ? [r.method, target.url, r.trace!] as const : ["", ""] as const;
      protocol ??= protocols?.get(target.origin) ?? "";
      recorder.addRequest([target.scheme, target.host, outcome, protocol, r.status, 0, r.start, r.took ?? ticks() - r.ticks!, ...details]);
    }),
    failed: (r, error) => safely(() => {
      const outcome = ofError(error, r.signal);
      r.took ??= ticks() - r.ticks!;
      const tell = (gone?: boolean) => watch.ended(r, gone ? "abandoned" : outcome, r.status ? undefined : "");
      if (outcome !== "network.failed" || r.start > left) return tell();
      doubtful.push(tell);
      setTimeout(decide, leaveTime);
    }),
  };

  const captureError = (error: any) => safely(() => {
    // cut to what the agent will take anyway
    const text = (s: unknown) => String(s ?? "").slice(0, 8192);
    const message = text(error?.message ?? error);
    const stack = text(error?.stack);
    const type = (fromExtension(stack, message) ? "extension " : "") + (error?.name ?? typeof error);
    if (noise.some((n) => n.test(`${type}: ${message}`)) || ignoreError?.({ type, message, stack })) return;
    const detail = (s: string) => (level > 1 ? s : "");
    recorder.addError(() => ({ t: "error", kind: 1, type, message: detail(message), stack: detail(stack), at: Date.now() }));
  });

  const networkChanged = () => {
    recorder.networkChanged();
    link.tell({ t: "network" });
    if (wanted) load();
  };

  const record = () => {
    since = Date.now();
    settle = hookFetch(hooks, watch);
    hookXHR(hooks, watch);
    const script = hookResources(hooks, watch);
    hooks.listen(window, "error", (e: ErrorEvent) => e.isTrusted && captureError(e.error ?? { name: "Error", message: e.message, stack: `@${e.filename}:${e.lineno}` }));
    hooks.listen(window, "unhandledrejection", (e: PromiseRejectionEvent) => captureError(e.reason));
    hooks.listen(window, "online", networkChanged);
    hooks.listen(window, "offline", networkChanged);
    hooks.listen((navigator as { connection?: EventTarget }).connection, "change", networkChanged);
    protocols = watchProtocols(hooks, script);
  };

  // Whether the page has gone since requests failed.
  const decide = (gone?: boolean) => doubtful.splice(0).forEach((tell) => tell(gone));

  // Ends recording, and forgets.
  const forget = () => {
    hooks.unhook();
    settle();
    doubtful = [];
    recorder.takeAll();
    link.parcels = [];
  };

  const drop = () => {
    link.letGo();
    recorder.workerRuns(false);
    wanted = false;
  };

  // For good, as long as the page lives.
  const end = (last: Status) => {
    over = true;
    forget();
    drop();
    show(last);
  };

  const block = (reason: Reason, text: string) => {
    if (page.document) console.warn("heliograph blocked: " + text);
    end({ state: "blocked", reason, text });
  };

  // The page may never be seen again.
  const hide = () => {
    settle();
    handOver();
    link.tell({ t: "hide" });
    if (wanted) load();
  };

  const choose = (next: number) => {
    const before = level;
    // Global Privacy Control asks for no more than what is needed.
    level = (next && (navigator as { globalPrivacyControl?: boolean }).globalPrivacyControl ? 1 : next) as Level;
    agreed = false;
    link.tell({ t: "consent", level });
    if (!level) {
      forget();
      if (!link.running()) drop();
      show({ state: "off" });
    } else if (!before) {
      record();
      show({ state: link.running() ? "running" : "waiting" });
    } else if (level < before) {
      recorder.dropDetails();
    }
    // What an earlier page could not deliver wants to go, and after a refusal everything is
    // deleted, whether or not this page fails.
    afterLoad(async () => {
      if (!wanted && (await leftover(!level))) need();
    });
  };

  const ask = (question: "flush" | "sent") => {
    settle();
    decide();
    if (!wanted) return;
    load();
    handOver();
    return link.ask(question);
  };

  const agent: Heliograph = {
    setConsent(consent) {
      if (!over) choose(Math.max(levels.indexOf(consent), 0));
    },
    observe: (o) => safely(() => {
      const { url, outcome, status = 0, method = "", elapsed = 0 } = own(o);
      watch.ended({ url, method: `${method}`, start: Date.now() - elapsed, took: elapsed, status: +status }, `${outcome}`, "");
    }),
    captureError,
    flush: async () => void (await ask("flush")),
    async sent() {
      // Somebody asks: there is no need to wait for a failure.
      if (active() && (await leftover(true))) wanted = true;
      return ((await ask("sent")) ?? []) as [];
    },
    async stats() {
      return { ...status, ...recorder.totals(), agent: link.running() ? ((await link.ask("stats")) as AgentStats) : undefined };
    },
    stop() {
      page[key] = undefined;
      if (!over) {
        hide();
        end({ state: "off" });
      }
      life.unhook();
    },
  };

  try {
    if (!app || !policy || !assets) throw "app, policy, assets?";
    life.listen(document, "visibilitychange", () => document.hidden && hide());
    // Firefox ends the requests of a page that is left as if they had failed, and only then
    // hides the page. Who begins to leave may stay: a download, a mailto: link.
    life.listen(window, "beforeunload", () => (left = Date.now()));
    // The page goes, perhaps into the back/forward cache: what is sealed and has not arrived goes
    // out on its own.
    life.listen(window, "pagehide", () => {
      decide(true);
      hide();
      let room = maxParcels;
      for (const parcel of link.parcels.splice(0)) {
        if ((room -= parcel.body.byteLength) < 0) break;
        fetch(parcel.url, own(parcel) as RequestInit).catch(() => {}); // it is still in the database
      }
    });
    page[key] = agent;
    const saved = levels.indexOf(consent as Consent);
    if (saved >= 0) choose(saved);
  } catch (error) {
    block("start", String(error));
  }
  return agent;
}

function absolute(url: string | URL): string {
  return new URL(url, document.baseURI).href;
}
