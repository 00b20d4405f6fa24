// The requests of the core to collectors, in the shape of fetch. Unlike fetch, they go to the
// addresses of the policy if a name does not resolve, and demand the keys that it pins. A failure's
// name is its outcome.
"use strict";

const http = require("node:http");
const https = require("node:https");
const tls = require("node:tls");
const { X509Certificate, createHash } = require("node:crypto");
const { outcomeOf } = require("./outcome.js");

const CONNECT_TIME = 5000; // milliseconds for one address, with its handshake
const NO_PIN = "tls.cert.pinned_key_not_in_cert_chain";

/** Answers what the core reads of a Response: status, headers.get and body.getReader. */
async function deliver(url, init) {
  let failure;
  for (const address of [undefined, ...(init.addresses ?? [])]) {
    try {
      return await exchange(new URL(url), init, address);
    } catch (error) {
      failure = error;
      if (error.connected || init.signal?.aborted) break;
    }
  }
  throw Object.assign(new Error(failure.message), { name: failure.code === NO_PIN ? NO_PIN : outcomeOf(failure) });
}

function exchange(url, init, address) {
  return new Promise((resolve, reject) => {
    const secure = url.protocol === "https:";
    const request = (secure ? https : http).request(url, {
      method: init.method, headers: { ...init.headers, host: url.host }, signal: init.signal,
      ...(address === undefined ? {} : towards(address, url.hostname)),
      ...(secure && init.pins?.length > 0 ? { checkServerIdentity: (name, shown) => tls.checkServerIdentity(name, shown) ?? pinned(shown, init.pins) } : {}),
    });
    let connected = false;
    const late = setTimeout(() => request.destroy(Object.assign(new Error("no connection in time"), { code: "ETIMEDOUT" })), CONNECT_TIME);
    request.once("socket", (socket) => {
      const ready = () => {
        connected = true;
        clearTimeout(late);
      };
      if (request.reusedSocket) ready();
      else socket.once(secure ? "secureConnect" : "connect", ready);
    });
    request.once("error", (error) => {
      clearTimeout(late);
      error.connected = connected;
      reject(error);
    });
    request.once("response", (response) => resolve(answer(response)));
    request.end(init.body);
  });
}

/** Options of a request to an address of the policy, "ip:port", for a server of another name. */
function towards(address, name) {
  const end = address.lastIndexOf(":");
  return { hostname: address.slice(0, end).replace(/^\[|\]$/g, ""), port: address.slice(end + 1), servername: name, agent: false };
}

function answer(response) {
  const parts = response[Symbol.asyncIterator]();
  return {
    status: response.statusCode,
    headers: { get: (name) => response.headers[name.toLowerCase()]?.toString() },
    body: {
      getReader: () => ({
        read: async () => {
          const { done, value } = await parts.next();
          return { done, value: value && new Uint8Array(value) };
        },
      }),
    },
  };
}

/** Returns an Error unless a certificate of the chain has a pinned key (RFC 7469, section 2.4). */
function pinned(shown, pins) {
  for (let c = shown, i = 0; c?.raw && i < 10; c = c.issuerCertificate === c ? undefined : c.issuerCertificate, i++) {
    const key = new X509Certificate(c.raw).publicKey.export({ type: "spki", format: "der" });
    if (pins.includes(createHash("sha256").update(key).digest("hex"))) return undefined;
  }
  return Object.assign(new Error("the certificate chain has none of the pinned keys"), { code: NO_PIN });
}

module.exports = { deliver };
