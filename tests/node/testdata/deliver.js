// Fails once, tries to deliver that, and says how many reports wait.
//
//   deliver.js POLICY SPOOL TARGET
"use strict";

const heliograph = require("heliograph-node");

const [policy, spool, target] = process.argv.slice(2);
const agent = heliograph.start({ app: "node-deliver", policy, spool, consent: "counts", exitTimeout: 0 });
fetch(target).catch(async () => {
  console.log(await agent.flush(30_000), "waits");
  await agent.stop();
});
