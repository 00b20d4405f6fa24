// A main process as Electron packages it, under Node: the package is beside an archive, which
// threads cannot read.
//
//   electron.js POLICY SPOOL TARGET PACKAGE
"use strict";

const [policy, spool, target, pack] = process.argv.slice(2);
Object.defineProperty(process.versions, "electron", { value: "38.0.0" });
process.type = "renderer";
const heliograph = require(pack);
const inWindow = heliograph.start({ app: "shop", policy, spool, consent: "counts" });
if (!/main process/.test(inWindow.trouble)) throw new Error(`in a window: ${inWindow.trouble}`);
inWindow.stop().then(async () => {
  process.type = "browser";
  const agent = heliograph.start({ app: "shop", policy, spool, consent: "counts" });
  await fetch(target).catch(() => {});
  const pending = await agent.flush(60_000);
  console.log(`pending ${pending} ${agent.trouble}`);
});
