// What the package costs a page, and its budgets: `node sizes.mjs` prints them and exits 1 when one
// is exceeded.
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants, gunzipSync, gzipSync } from "node:zlib";

const dist = join(dirname(fileURLToPath(import.meta.url)), "..", "dist");

/** compressed returns how large bytes are as they are and as a server sends them. */
export function compressed(bytes) {
  const params = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_LGWIN]: 24, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length };
  return { raw: bytes.length, gzip: gzipSync(bytes, { level: 9 }).length, brotli: brotliCompressSync(bytes, { params }).length };
}

/**
 * packageSizes measures the files in wasm/dist. budget names the limit of one of a row's
 * figures, in bytes.
 */
export async function packageSizes() {
  const module = gunzipSync(await readFile(join(dist, "heliograph.wasm.gz")).catch(() => {
    throw new Error("wasm/dist/heliograph.wasm.gz is missing: run make wasm");
  }));
  return [
    { name: "heliograph.js, on every page", ...compressed(await readFile(join(dist, "heliograph.js"))), budget: { gzip: 5000 } },
    { name: "heliograph.worker.js, when there is something to seal", ...compressed(await readFile(join(dist, "heliograph.worker.js"))), budget: { gzip: 5000 } },
    { name: "heliograph.wasm, when there is something to seal", ...compressed(module), budget: { brotli: 700_000 } },
  ];
}

/** print writes a table of sizes in bytes. */
export function print(rows) {
  const columns = ["raw", "gzip", "brotli"];
  console.log("".padEnd(56) + columns.map((c) => c.padStart(12)).join("") + "   budget");
  for (const row of rows) {
    const limit = Object.entries(row.budget ?? {}).map(([c, n]) => `${n.toLocaleString("en")} ${c}`).join(", ");
    console.log(row.name.padEnd(56) + columns.map((c) => row[c].toLocaleString("en").padStart(12)).join("") + `   ${limit}`);
  }
}

/** exceeded returns a line per budget that is exceeded. */
export function exceeded(rows) {
  return rows.flatMap((row) => Object.entries(row.budget ?? {})
    .filter(([c, n]) => row[c] > n)
    .map(([c, n]) => `${row.name}: ${row[c]} bytes ${c}, the budget is ${n}`));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const rows = await packageSizes();
  print(rows);
  for (const line of exceeded(rows)) {
    console.error(line);
    process.exitCode = 1;
  }
}
