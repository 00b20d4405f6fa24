// Packs bin/heliograph-<version>.tgz, what `npm install` takes: the files of wasm/dist with the
// module as browsers want it. With --check it also installs the tarball into an empty project,
// without a network, bundles an application that imports it, and runs that.
import { build } from "esbuild";
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { gunzipSync } from "node:zlib";

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, "..", "..");
const files = ["heliograph.js", "heliograph.cjs", "heliograph.d.ts", "heliograph.d.cts", "heliograph.worker.js", "heliograph.wasm", "licenses.txt"];

function npm(dir, ...args) {
  const run = spawnSync("npm", [...args, "--no-audit", "--no-fund", "--loglevel=error"], { cwd: dir, encoding: "utf8" });
  if (run.status !== 0) throw new Error(`npm ${args.join(" ")}: ${run.error ?? run.stderr}`);
  return run.stdout.trim();
}

async function pack(stage) {
  const { scripts, devDependencies, private: own, ...manifest } = JSON.parse(await readFile(join(here, "package.json"), "utf8"));
  await mkdir(join(stage, "dist"), { recursive: true });
  await writeFile(join(stage, "package.json"), JSON.stringify(manifest, null, 2) + "\n");
  await cp(join(here, "README.md"), join(stage, "README.md"));
  await cp(join(root, "LICENSE"), join(stage, "LICENSE"));
  for (const name of files) {
    const source = join(root, "wasm", "dist", name);
    if (name.endsWith(".wasm")) await writeFile(join(stage, "dist", name), gunzipSync(await readFile(source + ".gz")));
    else await cp(source, join(stage, "dist", name));
  }
  const bin = join(root, "bin");
  await mkdir(bin, { recursive: true });
  return join(bin, npm(stage, "pack", "--pack-destination", bin));
}

async function check(tarball, project) {
  await mkdir(project);
  await writeFile(join(project, "package.json"), `{"name": "shop", "private": true, "type": "module"}`);
  npm(project, "install", "--offline", tarball);
  const installed = join(project, "node_modules", "heliograph");
  const missing = ["README.md", "LICENSE", ...files.map((f) => join("dist", f))].filter((f) => !existsSync(join(installed, f)));
  if (missing.length > 0) throw new Error(`the tarball lacks ${missing.join(", ")}`);

  // A page that a server renders imports it too: nothing may happen, and nothing may be thrown.
  await writeFile(join(project, "app.ts"), `import { start, type Heliograph } from "heliograph";
const h: Heliograph = start({ app: "shop", policy: "/policy", consent: "diagnostics" });
h.observe({ url: "https://shop.example/", outcome: "network.failed" });
await h.flush();
export const seen = [await h.sent(), (await h.stats()).state];
`);
  const out = join(project, "app.mjs");
  await build({ absWorkingDir: project, entryPoints: ["app.ts"], outfile: out, bundle: true, format: "esm", logLevel: "warning" });
  const { seen } = await import(pathToFileURL(out).href);
  if (JSON.stringify(seen) !== `[[],"blocked"]`) throw new Error(`without a page it answers ${JSON.stringify(seen)}`);
  // Jest and older programs load CommonJS.
  await writeFile(join(project, "common.cjs"), `const { start, noise } = require("heliograph");
start({ app: "shop", policy: "/policy" }).stats().then((s) => console.log(s.state, s.reason, noise.length > 0));
`);
  const common = spawnSync(process.execPath, ["common.cjs"], { cwd: project, encoding: "utf8" });
  if (common.stdout !== "blocked start true\n") throw new Error(`required, it answers ${common.stdout} ${common.stderr}`);
  // Vite warns of such a URL, because it looks for the file at build time.
  if (/new\s+URL\(\s*["'`][^"'`]*["'`]\s*,\s*import\.meta\.url/.test(await readFile(join(installed, "dist", "heliograph.js"), "utf8"))) {
    throw new Error("bundlers would take the agent's own URL for a file to be bundled");
  }
  // What docs/browser.md shows is TypeScript as well, with a bundler's import.
  const guide = /```js\n\/\/ app\.js\n(.*?)```/s.exec(await readFile(join(root, "docs", "browser.md"), "utf8"));
  if (!guide) throw new Error("docs/browser.md has no app.js");
  await writeFile(join(project, "guide.ts"), guide[1].replace('"/heliograph/heliograph.js"', '"heliograph"'));
  await writeFile(join(project, "saved.ts"), `import { noise, start } from "heliograph";
start({ app: "shop", policy: "/policy", consent: localStorage.getItem("reports") ?? undefined });
start({ app: "shop", policy: "/policy", consent: localStorage.getItem("reports"), noise: [...noise, /x/], ignoreError: (e) => e.stack === e.type });
`);
  await writeFile(join(project, "common.cts"), `import { start } from "heliograph";\nexport const h = start({ app: "shop", policy: "/policy" });\n`);
  const tsc = (...args) => {
    const types = spawnSync(join(here, "node_modules", ".bin", "tsc"), ["--noEmit", "--strict", "--exactOptionalPropertyTypes", "--target", "es2022", ...args], { cwd: project, encoding: "utf8" });
    if (types.status !== 0) throw new Error(`its types: ${types.stdout}`);
  };
  tsc("--module", "esnext", "--moduleResolution", "bundler", "app.ts", "guide.ts", "saved.ts");
  tsc("--module", "node16", "--moduleResolution", "node16", "app.ts", "common.cts");

  // An application that imports it and does not use it does not carry it.
  await writeFile(join(project, "unused.ts"), `import { start } from "heliograph";\nexport const x = 1;\n`);
  const unused = await build({ absWorkingDir: project, entryPoints: ["unused.ts"], bundle: true, format: "esm", write: false, logLevel: "warning" });
  if (unused.outputFiles[0].contents.length > 200) throw new Error("an unused import is not left out");
}

const dir = await mkdtemp(join(tmpdir(), "heliograph-pack-"));
try {
  const tarball = await pack(join(dir, "stage"));
  if (process.argv.includes("--check")) await check(tarball, join(dir, "project"));
  console.log(tarball);
} finally {
  await rm(dir, { recursive: true, force: true });
}
