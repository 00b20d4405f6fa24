// A page with one of the variants in it, and the burst that is measured.
const asked = new URLSearchParams(location.search);
const variant = asked.get("with");
if (asked.has("stub")) {
  // A fetch that costs nothing: what an agent makes of it is the agent's.
  window.fetch = async (url) => {
    if (String(url).endsWith("/fails")) throw new TypeError("Failed to fetch");
    return Object.defineProperty(new Response(null, { status: 204 }), "url", { value: new URL(url, location).href });
  };
}
let report = () => {};
if (variant === "heliograph") {
  const { start } = await import("/assets/heliograph.js");
  window.h = start({ app: "bench", policy: "/policy", consent: "diagnostics", assets: "/assets/", successFraction: 0 });
} else if (variant === "sentry") {
  const { captureException } = await import("/sentry.js");
  report = (error) => captureException(error);
}

// Messages to itself come as fast as tasks can: the longest time between two of them is the longest time the page could do nothing else.
function watchPauses() {
  const { port1, port2 } = new MessageChannel();
  let last = performance.now();
  let pause = 0;
  let on = true;
  port1.onmessage = () => {
    const now = performance.now();
    pause = Math.max(pause, now - last);
    last = now;
    if (on) setTimeout(() => port2.postMessage(0));
  };
  port2.postMessage(0);
  return () => {
    on = false;
    return pause;
  };
}

window.burst = async (url) => {
  let longest = 0;
  let tasks = 0;
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      tasks++;
      longest = Math.max(longest, entry.duration);
    }
  });
  observer.observe({ type: "longtask" });
  const pauses = watchPauses();
  let left = 1000;
  const one = async () => {
    while (left-- > 0) await fetch(`${url}/item/${left}`).catch((error) => report(new Error(`${error.message} ${left}`)));
  };
  const lanes = [];
  for (let i = 0; i < 50; i++) {
    lanes.push(one());
    await new Promise((next) => setTimeout(next)); // begun in one task they make it a long one without any agent: see begin
  }
  await Promise.all(lanes);
  await new Promise((done) => setTimeout(done, 1500)); // what comes after the burst counts too
  observer.disconnect();
  return { longest, long: tasks, pause: pauses() };
};

window.begin = (url) => {
  for (let i = 0; i < 50; i++) fetch(`${url}/item/${i}`).catch(() => {});
  return 50;
};

// The time of a request, in microseconds, the median of rounds of 200.
window.each = async (url) => {
  const rounds = [];
  for (let round = 0; round < 25; round++) {
    const began = performance.now();
    for (let i = 0; i < 200; i++) await fetch(url).catch((error) => report(error));
    rounds.push(((performance.now() - began) * 1000) / 200);
    await new Promise((next) => setTimeout(next, 50));
  }
  return rounds.sort((a, b) => a - b)[12];
};

window.first = (url) => fetch(url).catch(() => {});
// Waits until the collector's receipts are in: what has none is sent again by the next page.
window.settled = async () => {
  while ((await h.stats()).agent?.pending !== 0) await new Promise((next) => setTimeout(next, 50));
  return true;
};

document.title = "ready";
