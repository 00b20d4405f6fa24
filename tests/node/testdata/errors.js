// Errors of a program: one that it catches, and one that ends it.
//
//   errors.js throw|reject|handled POLICY SPOOL
//
// Without POLICY there is no agent: so it would end.
"use strict";

const heliograph = require("heliograph-node");

const [how, policy, spool] = process.argv.slice(2);
const agent = policy && heliograph.start({ app: "node-errors", policy, spool, consent: "diagnostics", exitTimeout: 60_000 });

class CartError extends Error {
  name = "CartError";
}

function loadCart(user) {
  throw new CartError(`no cart of ${user}`);
}

try {
  loadCart("jane.doe@example.org");
} catch (error) {
  agent?.captureError(error);
}
if (how === "handled") process.on("uncaughtException", (error) => console.log("handled", error.name));
setImmediate(() => {
  if (how === "reject") Promise.reject(new TypeError("the end of jane.doe@example.org"));
  else throw new RangeError("the end of jane.doe@example.org");
});
