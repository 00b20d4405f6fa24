// What a page of the tests does: it starts the agent as its query says, and has a few ways to fail.
const query = new URLSearchParams(location.search);
const csp = location.pathname.split("/")[2];
const { start } = await import(`/assets/${csp}/heliograph.js`);

window.statuses = [];
window.escaped = []; // errors that reach the page

addEventListener("error", (event) => escaped.push(String(event.message)));
addEventListener("unhandledrejection", (event) => escaped.push(String(event.reason)));

/** Starts the agent. */
window.begin = (consent, more) => {
  window.h = start({
    app: query.get("app"),
    version: "1.2.3",
    policy: new URL(`/policy/${query.get("app")}`, location.href).href,
    consent,
    successFraction: 0, // no coin decides when the agent is loaded
    onstatus: (status) => statuses.push(status),
    ...more,
  });
};

/** Asks a URL n times and returns how often that failed with an exception. */
window.fail = async (n, url) => {
  const all = await Promise.allSettled(Array.from({ length: n }, () => fetch(url)));
  return all.filter((one) => one.status === "rejected").length;
};

/** Names of the origin's databases. */
window.databases = async () => (await indexedDB.databases()).map((d) => d.name);

/** Keeps a text as bytes in a database of the test's own. */
window.keep = (text) => new Promise((resolve, reject) => {
  const opening = indexedDB.open("control", 1);
  opening.onupgradeneeded = () => opening.result.createObjectStore("bytes");
  opening.onerror = () => reject(opening.error);
  opening.onsuccess = () => {
    const writing = opening.result.transaction("bytes", "readwrite");
    writing.objectStore("bytes").put(new TextEncoder().encode(text), 1);
    writing.oncomplete = () => resolve(opening.result.close());
  };
});

/** All that the origin's databases hold, one character per byte. */
window.dump = async () => {
  const texts = [];
  const walk = (value) => {
    if (value instanceof ArrayBuffer) texts.push(String.fromCharCode(...new Uint8Array(value)));
    else if (ArrayBuffer.isView(value)) for (const byte of new Uint8Array(value.buffer, value.byteOffset, value.byteLength)) texts.push(String.fromCharCode(byte));
    else if (value && typeof value === "object") for (const [key, inner] of Object.entries(value)) texts.push(key), walk(inner);
    else texts.push(String(value), "\n");
  };
  const result = (request) => new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  for (const { name } of await indexedDB.databases()) {
    const db = await result(indexedDB.open(name));
    for (const store of db.objectStoreNames) {
      const objects = db.transaction(store).objectStore(store);
      const [keys, values] = await Promise.all([result(objects.getAllKeys()), result(objects.getAll())]);
      texts.push(`\n[${name}/${store}]\n`);
      walk(keys);
      walk(values);
    }
    db.close();
  }
  return texts.join("");
};

if (query.has("consent")) begin(query.get("consent"));
document.title = "ready";
