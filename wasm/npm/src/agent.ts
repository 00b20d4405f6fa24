// The agent in the page: consent, hooks, the page's life, and the worker when there is
// something for it.

import { database, leftover } from "./database.ts";
import { hookFetch } from "./fetch.ts";
import type { AgentStats, Consent, Heliograph, Options, Status } from "./heliograph.d.ts";
import { newHooks } from "./hook.ts";
import { newLink } from "./link.ts";
import type { Level } from "./messages.ts";
import { ofError, split } from "./outcome.ts";
import { own } from "./own.ts";
import { afterLoad, type Protocols, watchProtocols } from "./page.ts";
import { newRecorder } from "./recorder.ts";
import { hookResources } from "./resources.ts";
import { ticks, type Watch } from "./watch.ts";
import { hookXHR } from "./xhr.ts";

const levels: readonly Consent[] = ["off", "counts", "diagnostics"];
// Bytes. Requests that outlive a page share 64 KiB with the application's.
const maxParcels = 48 << 10;

/**
 * newAgent starts an agent. It throws where there is no page; no method of what it returns throws.
 * It calls stopped when it is stopped.
 */
export function newAgent(options: Options, assets: string | URL, stopped: () => void): Heliograph {
  options.app; // throws when there are none
  const { app, version = "", policy, consent, successFraction, ignore, onstatus, assets: elsewhere = assets } = own(options);
  const fetch = window.fetch; // beneath the hooks: the agent does not observe itself
  const asset = (name: string) => absolute(elsewhere).replace(/\/?$/, `/heliograph.${name}?${RELEASE}`);
  const hooks = newHooks(); // there while there is consent
  const life = newHooks(); // there until stop

  let level: Level = 0;
  let since = 0; // milliseconds since 1970: what began before the consent in force is not recorded
  let left = 0; // milliseconds since 1970: when the user last began to leave the page
  let over = false; // stopped, or blocked for good
  let wanted = false; // the worker
  let status: Status = { state: "off" };
  let protocols: Protocols | undefined;
  let settle = () => {};
  let agreed = false; // the worker knows the level

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
    if (wanted) return;
    wanted = true;
    afterLoad(load);
  };

  const load = () => {
    if (over || link.running()) return;
    if (active() && status.state !== "loading") show({ state: "loading" });
    link.start();
  };

  const handOver = () => {
    if (link.running()) recorder.take().forEach(link.post);
  };

  const link = newLink(
    asset("worker.js"),
    () => ({
      t: "init", app, version, consent: level,
      policy: policy instanceof Uint8Array ? policy : absolute(policy), wasm: asset("wasm"), db: database,
    }),
    {
      ready() {
        link.post({ t: "consent", level }); // it may have changed meanwhile
        recorder.run(true);
        handOver();
        show({ state: active() ? "running" : "off" });
      },
      status(stats) {
        if (stats.consent === level) agreed = true;
        else if (agreed && stats.consent === 0) return choose(0); // in another tab
        if (stats.done && level === 0) drop();
        else show({ ...status, agent: stats });
      },
      failed(reason, text, final) {
        recorder.run(false);
        if (final) {
          console.warn(`heliograph blocked: ${text}`);
          end({ state: "blocked", reason, text });
        } else if (active()) {
          show({ state: "loading", reason, text });
        }
      },
    },
  );

  const recorder = newRecorder({ fraction: successFraction! >= 0 ? successFraction! : 0.05, now: Date.now, random: Math.random, after, need, due: handOver });

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
    ended: (r, outcome, code, protocol) => safely(() => {
      const target = split(r.url, r.base);
      if (!target || r.start < since || ignore?.(target.url)) return;
      const { scheme, host, url } = target;
      const details = level > 1;
      protocol ??= protocols?.of(`${scheme}://${host}`) ?? "";
      recorder.add([scheme, host, outcome, protocol, code, 0, r.start, r.took ?? ticks() - r.ticks!, details ? r.method : "", details ? url : ""]);
    }),
    failed: (r, error, signal, code) => safely(() => {
      const outcome = ofError(error, signal);
      watch.ended(r, outcome === "network.failed" && r.start <= left ? "abandoned" : outcome, code, code ? undefined : "");
    }),
  };

  const captureError = (error: any) => safely(() => recorder.addError(() => {
    // a message or a stack, cut to what the agent will take anyway
    const text = (s: unknown) => (level > 1 && s !== undefined ? String(s).slice(0, 8192) : "");
    return { t: "error", kind: 1, type: String(error?.name ?? typeof error), message: text(error?.message ?? error), stack: text(error?.stack), at: Date.now() };
  }));

  const networkChanged = () => {
    recorder.networkChanged();
    link.post({ t: "network" });
    if (wanted) load();
  };

  const record = () => {
    since = Date.now();
    settle = hookFetch(hooks, watch);
    hookXHR(hooks, watch);
    hookResources(hooks, watch);
    hooks.listen(window, "error", (e: ErrorEvent) => captureError(e.error ?? { name: "Error", message: e.message, stack: `@${e.filename}:${e.lineno}` }));
    hooks.listen(window, "unhandledrejection", (e: PromiseRejectionEvent) => captureError(e.reason));
    for (const type of ["online", "offline"]) hooks.listen(window, type, networkChanged);
    hooks.listen((navigator as { connection?: EventTarget }).connection, "change", networkChanged);
    protocols = watchProtocols();
  };

  // Ends recording, and forgets.
  const forget = () => {
    hooks.remove();
    protocols?.stop();
    settle();
    recorder.take();
    link.parcels = [];
  };

  const drop = () => {
    link.end();
    recorder.run(false);
    wanted = false;
  };

  // For good, as long as the page lives.
  const end = (last: Status) => {
    over = true;
    forget();
    drop();
    show(last);
  };

  // The page may never be seen again.
  const hide = () => {
    settle();
    handOver();
    link.post({ t: "hide" });
    if (wanted) load();
  };

  life.listen(document, "visibilitychange", () => document.hidden && hide());
  // Firefox ends the requests of a page that is left as if they had failed, and only then
  // hides the page.
  life.listen(window, "beforeunload", () => (left = Date.now()));
  // The page goes, perhaps into the back/forward cache: what is sealed and has not arrived goes out
  // on its own.
  life.listen(window, "pagehide", () => {
    hide();
    let room = maxParcels;
    for (const { url, headers, body } of link.parcels.splice(0)) {
      if ((room -= body.byteLength) < 0) break;
      const request: RequestInit = own({ method: "POST", headers, body: body as BodyInit, keepalive: true, credentials: "omit", referrerPolicy: "no-referrer", redirect: "error" });
      fetch.call(window, url, request).catch(() => {}); // it is still in the database
    }
  });

  const choose = (next: number) => {
    const before = level;
    // Global Privacy Control asks for no more than what is needed.
    level = Math.min(next, (navigator as { globalPrivacyControl?: boolean }).globalPrivacyControl ? 1 : 2) as Level;
    agreed = false;
    link.post({ t: "consent", level });
    if (level === 0) {
      forget();
      if (!link.running()) drop();
      show({ state: "off" });
    } else if (before === 0) {
      record();
      show({ state: link.running() ? "running" : "waiting" });
    } else if (level < before) {
      recorder.dropDetails();
    }
    // What an earlier page could not deliver wants to go, and after a refusal everything is
    // deleted, whether or not this page fails.
    afterLoad(async () => {
      if (!wanted && (await leftover(level === 0))) need();
    });
  };

  const ask = (question: "flush" | "sent") => {
    settle();
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
      watch.ended({ url, method: `${method}`, start: Date.now() - elapsed, took: elapsed }, `${outcome}`, +status, "");
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
      stopped();
      if (!over) {
        hide();
        end({ state: "off" });
      }
      life.remove();
    },
  };

  if (consent !== undefined) agent.setConsent(consent);
  return agent;
}

function absolute(url: string | URL): string {
  return new URL(url, document.baseURI).href;
}

function after(ms: number, call: () => void): () => void {
  const id = setTimeout(call, ms);
  return () => clearTimeout(id);
}
