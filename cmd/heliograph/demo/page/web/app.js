// The page of the demonstration: a shop with the agent in it, whose visitor breaks things. No library, no inline script.
const $ = (id) => document.getElementById(id);
const state = await (await fetch("/state")).json();
const { start } = await import("/heliograph/heliograph.js");

const consentKey = "demo-consent";
let status = { state: "off" };

const agent = start({
  app: state.app,
  version: "1.0",
  policy: new URL("/policy", location.href).href,
  assets: new URL("/heliograph/", location.href).href,
  consent: localStorage.getItem(consentKey) ?? undefined, // not asked yet is not a refusal
  ignore: (url) => new URL(url, location.href).origin === location.origin, // the page's own questions about the stage
  onstatus: (s) => {
    status = s;
    describe();
  },
});

// ---- what a visitor can break: what each button does, and what the reports call it ----

const timeout = 800; // ms

const acts = {
  ok: { what: "A request that works", run: () => fetch(`${state.service}/ok`) },
  refused: { what: "Port that refuses", run: () => fetch(state.closed), told: "network.failed" },
  reset: { what: "Connection reset", run: () => fetch(`${state.service}/reset`), told: "network.failed" },
  timeout: {
    what: "Too slow, given up",
    run: () => fetch(`${state.service}/slow`, { signal: AbortSignal.timeout(timeout) }),
    told: "network.timed_out",
  },
  abort: { what: "Cancelled by the page", run: cancelled, told: "abandoned" },
  notfound: { what: "404 not found", run: () => fetch(`${state.service}/status/404`), told: "http.error" },
  servererror: { what: "500 server error", run: () => fetch(`${state.service}/status/500`), told: "http.error" },
  image: { what: "Image that fails", run: brokenImage, told: "http.error, or as unknown by a browser that does not tell the status" },
  throw: { what: "Error in a script", run: () => later(() => { throw new RangeError("the cart holds -1 lamps"); }), told: "app.error" },
  reject: { what: "Unhandled rejection", run: () => later(() => void Promise.reject(new Error("nobody waits for this"))), told: "app.error" },
  burst: { what: "1,000 failures at once", run: burst, told: "network.failed" },
};

function cancelled() {
  const controller = new AbortController();
  setTimeout(() => controller.abort(), 200);
  return fetch(`${state.service}/slow`, { signal: controller.signal });
}

function brokenImage() {
  return new Promise((_, reject) => {
    const image = new Image();
    image.onerror = () => reject("the image's error event, which says nothing more");
    image.crossOrigin = "anonymous"; // otherwise no browser tells more than that it failed
    image.src = `${state.service}/status/404?lamp=${Math.random()}`;
    document.body.append(image);
    image.hidden = true;
    setTimeout(() => image.remove(), 5000);
  });
}

// later runs f in a task of its own, so that what it throws is nobody's but the page's.
async function later(f) {
  setTimeout(f);
  return "an error that no code caught";
}

async function burst() {
  const began = performance.now();
  let left = 1000;
  let pause = 0;
  let last = began;
  const clock = setInterval(() => {
    pause = Math.max(pause, performance.now() - last);
    last = performance.now();
  }, 5);
  const one = async () => {
    while (left-- > 0) await fetch(state.closed).catch(() => {});
  };
  await Promise.all(Array.from({ length: 50 }, one));
  clearInterval(clock);
  return `1,000 failures within ${((performance.now() - began) / 1000).toFixed(1)} s; the page's longest pause meanwhile: ${Math.ceil(pause)} ms`;
}

async function act(name) {
  const { what, run, told } = acts[name];
  const failed = (saw) => note(what, `the page saw ${saw}`, told);
  try {
    const result = await run();
    if (typeof result === "string") failed(result);
    else if (result.ok) note(what, `the page saw status ${result.status}`, "ok");
    else failed(`status ${result.status}`);
  } catch (err) {
    failed(typeof err === "string" ? err : `${err.name}: ${err.message}`);
  }
}

// note adds a line to the log: what was done, what the page could see of it, and how it is reported; told is "" for what is no request.
function note(what, saw, told) {
  let how = `Reported as ${told}.`;
  if (told === "ok") how = "Successes are counted in memory and ride along with failures; without one, a share of them is sent.";
  if (agentLevel() === "off") how = "Not recorded: reporting is off.";
  prepend($("log"), element("li", {}, time(new Date()), element("b", {}, what), ` · ${saw}. `, told && element("span", { class: "muted" }, how)), 30);
}

// ---- consent ----

function agentLevel() {
  return document.querySelector("input[name=consent]:checked").value;
}

for (const input of document.querySelectorAll("input[name=consent]")) {
  input.checked = input.value === (localStorage.getItem(consentKey) ?? "off");
  input.addEventListener("change", () => {
    localStorage.setItem(consentKey, input.value);
    agent.setConsent(input.value);
    refresh();
  });
}

// ---- the first collector ----

function showCollector(collectors) {
  const down = !collectors[0].up;
  $("collector").setAttribute("aria-pressed", String(down));
  $("collector").textContent = down ? "First collector is down" : "First collector down";
}

async function toggleCollector() {
  const { id, up } = state.collectors[0];
  const next = await (await fetch(`/collectors/${id}/${up ? "down" : "up"}`, { method: "POST" })).json();
  state.collectors = next.collectors;
  showCollector(state.collectors);
  const second = state.collectors[1]?.id ?? "none";
  note("First collector", up ? `${id} refuses connections now; reports go to ${second}` : `${id} answers again`, "");
}

document.querySelector(".buttons").addEventListener("click", async (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  button.disabled = button.dataset.do === "burst";
  await (button.dataset.do === "collector" ? toggleCollector() : act(button.dataset.do));
  button.disabled = false;
});

// ---- what left this browser, what arrived ----

const shown = new Map(); // items of the list by report, so that what a visitor unfolded stays so

// sentItem tells one report in the words of the agent's log, whose first line says what the heading says here.
function sentItem(r) {
  const key = `${r.at} ${r.collector} ${r.text}`;
  if (!shown.has(key)) {
    const heading = element("summary", {}, time(new Date(r.at)), `${r.bytes.toLocaleString("en")} bytes, sealed, to collector `, element("b", {}, r.collector));
    const lines = r.text.trim().split("\n").slice(1).map((line) => line.trim());
    shown.set(key, element("li", {}, element("details", {}, heading, element("ul", {}, ...merge(lines).map((line) => element("li", {}, line))))));
  }
  return shown.get(key);
}

// merge tells equal lines that follow each other once.
function merge(lines) {
  const out = [];
  for (const line of lines) {
    if (out.at(-1)?.line === line) out.at(-1).times++;
    else out.push({ line, times: 1 });
  }
  return out.map(({ line, times }) => (times > 1 ? `${line} (${times} times)` : line));
}

// showSent shows the newest first, and unfolds it when it comes.
function showSent(all) {
  const newest = all.length > 0 ? sentItem(all.at(-1)) : undefined;
  const items = all.toReversed().slice(0, 50).map(sentItem);
  const list = $("sent");
  if (items.length === list.children.length && list.firstElementChild === newest) return;
  if (newest) newest.firstElementChild.open = true;
  if (newest && list.firstElementChild?.firstElementChild instanceof HTMLDetailsElement) list.firstElementChild.firstElementChild.open = false;
  list.replaceChildren(...(newest ? items : [element("li", { class: "empty" }, "Nothing was sent.")]));
}

async function refresh() {
  if (agentLevel() === "off") {
    $("sent").replaceChildren(element("li", { class: "empty" }, "Nothing: reporting is off, and what was kept is deleted."));
    $("waiting").textContent = "";
  } else {
    const [sent, stats] = await Promise.all([agent.sent(), agent.stats()]);
    showSent(sent);
    const waiting = stats.agent?.pending ?? 0;
    $("waiting").textContent = waiting > 0 ? `${waiting} sealed, waiting` : "";
  }
  describe();
  const arrived = await (await fetch("/arrived")).json();
  if (arrived.length > 0) {
    $("totals").replaceChildren(...arrived.map((a) => element("tr", {}, element("th", { scope: "row" }, element("code", {}, a.type)),
      element("td", { class: "number" }, Math.round(a.count).toLocaleString("en")))));
  }
}

const stateWords = {
  off: "Nothing is loaded.",
  waiting: "Allowed. Nothing is loaded until something fails.",
  loading: "Something failed: the agent is being loaded.",
  running: "The agent runs in a worker.",
};

function describe() {
  $("agent-state").textContent = status.state === "blocked" ? `The agent cannot start: ${status.text}` : stateWords[status.state];
}

// ---- small things ----

function element(name, attributes, ...children) {
  const e = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) e.setAttribute(key, value);
  e.append(...children);
  return e;
}

function time(at) {
  return element("time", { datetime: at.toISOString() }, at.toLocaleTimeString("en-GB"));
}

function prepend(list, item, keep) {
  list.querySelector(".empty")?.remove();
  list.prepend(item);
  while (list.children.length > keep) list.lastElementChild.remove();
}

if (!state.built) {
  $("trouble").textContent = "The agent's WebAssembly module was not built into this program, so nothing can be sealed or sent. Run make build, then start the demonstration again.";
  $("trouble").hidden = false;
}
$("gpc").hidden = navigator.globalPrivacyControl !== true;
$("dashboard").href = state.dashboard;
showCollector(state.collectors);
describe();

const poll = async () => {
  if (document.visibilityState === "visible") await refresh().catch(() => {});
  setTimeout(poll, 1000);
};
document.querySelector("main").inert = false;
await poll();
