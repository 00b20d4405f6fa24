// A program that asks its service every two seconds: caller.js POLICY SPOOL URL.
const heliograph = require("heliograph-node");

const [policy, spool, url] = process.argv.slice(2);
heliograph.start({ app: "shop", version: "1.0.0", policy, spool, consent: "counts" });
setInterval(() => fetch(url).then((r) => r.text()).catch(() => {}), 2000);
