// Requests that the program itself gives up, in all the ways there are, and some that are special.
//
//   givenup.js POLICY SPOOL
"use strict";

const heliograph = require("heliograph-node");
const http = require("node:http");
const { once } = require("node:events");
const { serve, nobody, expect, tell, check } = require("./site.js");

const [policy, spool] = process.argv.slice(2);
const silent = () => {};
const half = (_, response) => response.writeHead(200, { "content-length": 100 }).write("abc");
const good = (_, response) => response.end("ok");
const gone = (error) => check("given up", error.name === "AbortError" || error.code === "ECONNRESET", String(error));

(async () => {
  const agent = heliograph.start({ app: "node-given-up", policy, spool, ignore: (url) => url.endsWith("/ignored") });
  const before = await serve(good);
  await (await fetch(before)).text(); // nobody has consented yet
  const early = fetch(before); // begins before consent, and ends after it
  await agent.setConsent("counts");
  await (await early).text();

  const slow = await serve(silent), cut = await serve(half), left = await serve(half);
  await fetch(slow, { signal: aborted(50) }).catch(gone);
  expect(slow, "abandoned");
  await fetch(cut, { signal: aborted(200) }).then((r) => r.text()).catch(gone);
  expect(cut, "abandoned");
  await fetch(left).then((r) => r.body.cancel());
  expect(left, "ok"); // the rest was not wanted

  const slow2 = await serve(silent), left2 = await serve(half), slow3 = await serve(silent);
  const request = http.get(slow2);
  await once(request, "socket");
  request.destroy();
  await once(request, "error").then(([error]) => gone(error));
  expect(slow2, "abandoned");
  const [response] = await once(http.get(left2), "response");
  response.destroy();
  await once(response, "close");
  expect(left2, "ok");
  await once(http.get(slow3, { signal: aborted(50) }), "error").then(([error]) => gone(error));
  expect(slow3, "abandoned");

  const kept = await serve(good), changed = await serve(good, (_, socket) => socket.end("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n"));
  const keepAlive = new http.Agent({ keepAlive: true });
  for (let i = 0; i < 3; i++) {
    const [r] = await once(http.get(kept, { agent: keepAlive }), "response");
    await once(r.resume(), "close");
  }
  keepAlive.destroy();
  expect(kept, "ok", 3);
  const upgrade = http.get(changed, { headers: { connection: "upgrade", upgrade: "x" } });
  const [, socket] = await once(upgrade, "upgrade");
  socket.destroy();
  expect(changed, "ok");

  await fetch(kept + "/ignored").then((r) => r.text());
  const refused = await nobody(), told = await nobody();
  const error = await fetch(refused, { method: "POST", body: "x" }).then(() => undefined, (e) => e);
  check("outcomeOf", heliograph.outcomeOf(error) === "tcp.refused", String(error));
  expect(refused, "tcp.refused");
  agent.observe({ url: told + "/queue", error });
  expect(told, "tcp.refused");
  agent.observe({ url: "nonsense" }); // no request
  check("flush", (await agent.flush(60_000)) === 0, agent.trouble);
  check("one agent", heliograph.start({ app: "another" }).trouble === "");
  tell();
})();

function aborted(milliseconds) {
  const controller = new AbortController();
  setTimeout(() => controller.abort(), milliseconds);
  return controller.signal;
}
