// Builds wasm/dist, all but the WebAssembly module, which Go alone builds. It is committed and
// embedded into the Go binary, so that `go build` needs no Node. With --check it builds into a
// temporary directory and compares: it exits 1 and names the files that differ.
import { build } from "esbuild";
import { minify } from "terser";
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { check } from "../../internal/npm/dist.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const dist = join(here, "..", "dist");
const files = ["heliograph.js", "heliograph.cjs", "heliograph.worker.js", "heliograph.d.ts", "heliograph.d.cts", "licenses.txt"];

const common = { absWorkingDir: here, bundle: true, minify: true, charset: "utf8", legalComments: "none", target: "es2022", logLevel: "warning" };

async function buildInto(dir) {
  const goroot = goRoot();
  await mkdir(dir, { recursive: true });
  await build({
    ...common,
    entryPoints: { "heliograph.worker": "src/worker.ts" },
    outdir: dir,
    format: "iife",
    plugins: [{
      name: "go",
      setup: (b) => b.onResolve({ filter: /^go:wasm_exec$/ }, () => ({ path: join(goroot, "lib", "wasm", "wasm_exec.js"), sideEffects: true })),
    }],
  });
  const release = createHash("sha256");
  // messages.ts stands for the module, which a browser must not have from before its messages changed.
  for (const file of [join(dir, "heliograph.worker.js"), join(here, "package.json"), join(here, "src", "messages.ts")]) release.update(await readFile(file));
  const shim = {
    ...common,
    entryPoints: ["src/shim.ts"],
    write: false,
    // Worker and module are asked for by release: browsers may keep them, for a page whose server
    // is down, and never take another's. Names that only the shim's own parts use, and neither a
    // browser nor a message has.
    mangleProps: /^(active|addError|addRequest|ask|begun|dropDetails|due|ended|failed|fraction|later|launch|letGo|listen|need|networkChanged|parcels|ready|relativeTo|running|scheme|sync|takeAll|tell|ticks|took|trace|totals|unhook|workerRuns|wrap)$/,
    define: { RELEASE: JSON.stringify(release.digest("hex").slice(0, 6)) },
  };
  // Jest and other programs that load CommonJS have no import.meta.
  for (const [name, format] of [["heliograph.js", "esm"], ["heliograph.cjs", "cjs"]]) {
    const { outputFiles } = await build({ ...shim, format, logOverride: { "empty-import-meta": "silent" } });
    // It knows more ways than esbuild to say the same in fewer bytes: 5 % of what every page loads.
    const { code } = await minify(outputFiles[0].text, { module: true, ecma: 2020, compress: { passes: 3, lhs_constants: false, booleans_as_integers: true } });
    await writeFile(join(dir, name), code + "\n");
  }
  for (const name of ["heliograph.d.ts", "heliograph.d.cts"]) await copyFile(join(here, "src", "heliograph.d.ts"), join(dir, name));
  const license = await readFile(join(goroot, "LICENSE"), "utf8");
  await writeFile(join(dir, "licenses.txt"), `Go (in heliograph.worker.js and heliograph.wasm)\n\n${license.trim()}\n`);
}

function goRoot() {
  const run = spawnSync("go", ["env", "GOROOT"], { encoding: "utf8" });
  if (run.status !== 0) throw new Error(`go env GOROOT: ${run.error ?? run.stderr}: install Go`);
  return run.stdout.trim();
}

if (process.argv.includes("--check")) {
  await check({ dist, label: "wasm/dist", buildInto, names: () => files });
} else {
  await buildInto(dist);
}
