// Nothing before consent, nothing after it is withdrawn, and no harm without a policy.
//
//   consent.js POLICY SPOOL
"use strict";

const heliograph = require("heliograph-node");
const fs = require("node:fs");
const { nobody, check } = require("./site.js");

const [policy, spool] = process.argv.slice(2);
// all but what a withdrawal may leave: the notice to the operator, and an empty lock
const files = () => fs.readdirSync(`${spool}/node`).filter((name) => !/^(notice\.state|dir\.lock)$/.test(name));
const fail = (url) => fetch(url).then(() => check("refused", false), () => {});

(async () => {
  const target = await nobody();
  let agent = heliograph.start({ app: "node-consent", policy, spool });
  await fail(target);
  agent.captureError(new Error("secret"));
  await agent.flush();
  check("not asked", !fs.existsSync(spool) && (await agent.stats()).observed === undefined && agent.trouble === "", agent.trouble);
  await agent.setConsent("off");
  await fail(target);
  check("refused", !fs.existsSync(spool));

  await agent.setConsent("counts");
  await fail(target);
  check("with consent", (await agent.flush(1000)) === 1 && files().length > 0, files());
  check("counted", (await agent.stats()).observed === 1, await agent.stats());
  await agent.setConsent("off");
  check("withdrawn", files().length === 0, files());
  await fail(target);
  agent.observe({ url: target });
  check("after it", (await agent.flush(1000)) === 0 && files().length === 0, files());

  await agent.setConsent("diagnostics");
  await fail(target);
  await agent.stop();
  check("left", files().some((name) => name.endsWith(".seg")), files());
  agent.observe({ url: target });
  agent = heliograph.start({ app: "node-consent", policy, spool, consent: "off" }); // an answer that was stored
  await agent.setConsent("off");
  check("left by an earlier run", files().length === 0, files());
  await agent.stop();

  for (const broken of [{ policy: "/nonexistent/policy" }, { app: "" }, { spool: "" }, { consent: "yes" }, { policy: new Uint8Array(10) }]) {
    const off = heliograph.start({ app: "node-consent", policy, spool, consent: "counts", ...broken });
    await fail(target);
    off.observe({ url: target });
    off.captureError(new Error("x"));
    check(JSON.stringify(broken), (await off.flush(5000)) === 0 && off.trouble !== "", off.trouble);
    await off.stop();
  }
  try {
    await heliograph.start({ app: "node-consent", policy, spool }).setConsent("yes");
    check("nonsense", false);
  } catch (error) {
    check("nonsense", error instanceof TypeError, String(error));
  }
  console.log("done");
})();
