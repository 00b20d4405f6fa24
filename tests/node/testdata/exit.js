// Ends at once after a failure, and reports it still.
//
//   exit.js POLICY SPOOL TARGET
"use strict";

const heliograph = require("heliograph-node");

const [policy, spool, target] = process.argv.slice(2);
heliograph.start({ app: "node-exit", policy, spool, consent: "counts", exitTimeout: 60_000 });
fetch(target).catch(() => process.exit(3));
