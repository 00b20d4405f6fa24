// What the programs of this directory share: servers of their own, and what must have been counted.
"use strict";

const http = require("node:http");
const net = require("node:net");
const { once } = require("node:events");

/** Starts a server on loopback and answers its origin. It does not keep the program alive. */
async function serve(handle, upgrade) {
  const server = http.createServer(handle);
  if (upgrade) server.on("upgrade", upgrade);
  server.listen(0, "127.0.0.1").unref();
  await once(server, "listening");
  return `http://127.0.0.1:${server.address().port}`;
}

/** Answers an origin on which nobody can listen: a client's end of a connection has its port while the program runs. */
async function nobody() {
  const server = net.createServer();
  server.listen(0, "127.0.0.1").unref();
  await once(server, "listening");
  const accepted = once(server, "connection");
  const client = net.connect(server.address().port, "127.0.0.1");
  const [end] = await accepted;
  held.push(client.unref(), end.unref());
  return `http://127.0.0.1:${end.remotePort}`;
}

const held = []; // what is garbage is closed

const counted = {};

/** Says that a target must have been counted with an outcome. */
function expect(target, outcome, n = 1) {
  counted[target] ??= {};
  counted[target][outcome] = (counted[target][outcome] ?? 0) + n;
}

/** Prints what must have been counted. */
function tell() {
  console.log(JSON.stringify(counted));
}

function check(what, holds, ...more) {
  if (!holds) throw new Error(`${what}: ${JSON.stringify(more)}`);
}

module.exports = { serve, nobody, expect, tell, check };
