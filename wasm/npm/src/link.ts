// The worker: started when it is needed, started again when it could not be loaded,
// asked questions.

import type { AgentStats } from "./heliograph.d.ts";
import type { FromWorker, InitMessage, Parcel, Reason, ToWorker } from "./messages.ts";

export interface Ends {
  /** The worker has been initialised and takes messages. */
  ready(): void;
  /** It could not be started, or ended. final: trying again is of no use. */
  failed(reason: Reason, text: string, final: boolean): void;
  status(agent: AgentStats): void;
}

export interface Link {
  /** Sealed reports that no collector has confirmed. */
  parcels: Parcel[];
  running(): boolean | undefined;
  /**
   * Starts the worker unless there is one. One that waits to be started again does not wait
   * any longer.
   */
  launch(): void;
  /** Sends a message; without a running worker it is lost. */
  tell(message: ToWorker): void;
  /** Asks as soon as the worker runs. Resolves with its answer, or undefined when none comes. */
  ask(t: "flush" | "sent" | "stats"): Promise<unknown>;
  /** Lets go of the worker: one that runs finishes what it was told, and ends itself. */
  letGo(): void;
}

// With Trusted Types a page's content security policy says which names may make addresses
// of scripts.
let trust: { createScriptURL(url: string): string } | undefined;

const firstRetry = 5000; // milliseconds
const lastRetry = 300_000;
const answerTime = 30_000;

export function newLink(address: () => string, init: () => InitMessage, ends: Ends): Link {
  let worker: Worker | undefined;
  let url: string;
  let ready: boolean | undefined;
  let retries = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  // By id; what is answered is deleted.
  const asked: [question: ToWorker, answer: (value?: unknown) => void][] = [];

  // The names stand in quotes because messages have them: the build shortens others.
  const receive: { [T in FromWorker["t"]]: (message: Extract<FromWorker, { t: T }>) => void } = {
    "ready"() {
      ready = true;
      ends.ready();
      asked.forEach((a) => link.tell(a[0]));
    },
    "failed": (m) => fail(m.reason, m.text, !m.again),
    "reply": (m) => asked[m.id]?.[1](m.value),
    "parcels": (m) => (link.parcels = m.list),
    "status": ends.status,
  };

  const fail = (reason: Reason, text: string, final: boolean) => {
    ready = false;
    link.letGo();
    // With jitter: all pages of a service lose it at the same moment.
    if (!final) timer = setTimeout(link.launch, Math.min(firstRetry * 2 ** retries++, lastRetry) * (0.5 + Math.random() / 2));
    ends.failed(reason, text, final);
  };

  // The worker's own error event does not tell that the page's content security policy refused it.
  const refused = (e: SecurityPolicyViolationEvent) => {
    if (worker && !ready && e.disposition === "enforce" && e.blockedURI === url) {
      fail("csp", "CSP needs worker-src 'self'", true);
    }
  };

  const link: Link = {
    parcels: [],
    running: () => ready,
    launch() {
      if (worker) return;
      clearTimeout(timer);
      document.addEventListener("securitypolicyviolation", refused);
      try {
        url = address();
        const w = worker = new Worker((trust ??= (window as any).trustedTypes?.createPolicy("heliograph", { createScriptURL: (u: string) => u }))?.createScriptURL(url) ?? url);
        w.onmessage = ({ data }) => {
          if (worker === w) receive[data.t as "ready"](data);
        };
        w.onerror = (event) => {
          event.preventDefault(); // the page's own error handlers are for the page's errors
          // The violation of a content security policy is told after this.
          setTimeout(() => {
            if (worker === w) fail("worker", event.message ?? `${url} failed; COEP?`, false);
          });
        };
        w.postMessage(init());
      } catch (error) {
        fail(error instanceof TypeError && window.Worker ? "csp" : "worker", String(error), true);
      }
    },
    tell(message) {
      if (ready) worker!.postMessage(message);
    },
    ask: (t) => new Promise((resolve: (value?: unknown) => void) => {
      if (!worker && !timer) return resolve();
      const question: ToWorker = { t, id: asked.length };
      const answer = (value?: unknown) => {
        delete asked[question.id];
        resolve(value);
      };
      asked.push([question, answer]);
      setTimeout(answer, answerTime);
      link.tell(question);
    }),
    letGo() {
      clearTimeout(timer);
      link.tell({ t: "stop" });
      if (!ready) worker?.terminate();
      timer = worker = undefined;
      ready = false;
      link.parcels = [];
      asked.forEach((a) => a[1]());
    },
  };
  return link;
}
