// The worker's own part: it fetches the Go program, starts it, and passes messages on. Everything
// else is Go's.

import "go:wasm_exec";
import type { FromWorker, InitMessage, Reason, ToCore, ToWorker } from "./messages.ts";
import { os } from "./os.ts";
import { parse } from "./stack.ts";

interface GoProgram {
  importObject: WebAssembly.Imports;
  exit: (code: number) => void;
  run(instance: WebAssembly.Instance): Promise<void>;
}

/** The worker's global scope, with what wasm_exec.js and the Go program put there. */
interface Scope {
  Go: new () => GoProgram;
  fs: { writeSync(fd: number, text: Uint8Array): number };
  heliographReceive?: (message: ToCore) => void;
  onmessage: ((event: MessageEvent<ToWorker>) => void) | null;
  postMessage(message: FromWorker): void;
  close(): void;
  addEventListener(type: string, handle: (event: SecurityPolicyViolationEvent) => void): void;
}

const scope = globalThis as unknown as Scope;
const patience = 60_000; // milliseconds for one download
const maxWaiting = 1024;
const noModule = "the content security policy of heliograph.worker.js must allow script-src 'wasm-unsafe-eval'";
const noConnection = "the content security policy of heliograph.worker.js must allow connect-src to the module, the policy and the collectors";

let waiting: Exclude<ToWorker, InitMessage>[] = [];
let started = false;
let stopping = false;
let violated = "";
let output = "";

scope.addEventListener("securitypolicyviolation", (event) => {
  if (event.disposition === "enforce") violated = event.effectiveDirective;
});

// What Go prints is for nobody's console; the end of it is kept for the one line that says why the
// program ended.
scope.fs.writeSync = (_fd, text) => {
  output = (output + new TextDecoder().decode(text)).slice(-512);
  return text.length;
};

scope.onmessage = ({ data }) => {
  if (data.t === "stop") stopping = true;
  if (data.t === "init") {
    if (!started) void init(data);
    started = true;
  } else if (scope.heliographReceive) {
    scope.heliographReceive(forCore(data));
  } else if (waiting.length < maxWaiting) {
    waiting.push(data);
  }
};

function forCore(m: Exclude<ToWorker, InitMessage>): ToCore {
  if (m.t !== "error") return m;
  const { stack, ...rest } = m;
  return { ...rest, frames: parse(stack, m.message) };
}

async function init(message: InitMessage): Promise<void> {
  let reason: Reason = "wasm";
  try {
    const go = new scope.Go();
    go.exit = () => {};
    const instance = await instantiate(message.wasm, go.importObject);
    reason = "worker";
    // The Go program sets heliographReceive before run comes back for the first time.
    const ended = go.run(instance);
    scope.heliographReceive?.({ ...message, os: os() });
    for (const m of waiting) scope.heliographReceive?.(forCore(m));
    waiting = [];
    await ended;
    if (stopping) scope.close();
    else fail(reason, `the agent ended: ${output}`, true);
  } catch (error) {
    // The event that tells of a violated policy comes after the exception.
    await new Promise((resolve) => setTimeout(resolve, 50));
    const text = String(error);
    const damaged = error instanceof WebAssembly.CompileError || error instanceof WebAssembly.LinkError;
    if (violated !== "" || /unsafe-eval|Content Security Policy/.test(text)) fail("csp", damaged ? noModule : noConnection, false);
    else fail(reason, text, !damaged);
  }
}

async function instantiate(url: string, imports: WebAssembly.Imports): Promise<WebAssembly.Instance> {
  const response = await fetch(url, { credentials: "same-origin", signal: AbortSignal.timeout(patience) });
  if (!response.ok) throw new Error(`${url}: HTTP status ${response.status}`);
  // Compiling while it comes in asks for the right type, which not every server gives.
  const streams = response.headers.get("content-type")?.startsWith("application/wasm");
  const source = streams
    ? await WebAssembly.instantiateStreaming(response, imports)
    : await WebAssembly.instantiate(await response.arrayBuffer(), imports);
  return source.instance;
}

function fail(reason: Reason, text: string, again: boolean): void {
  scope.postMessage({ t: "failed", reason, text, again });
}
