// Builds the page into dist/, which is committed and embedded into the Go binary, so that
// `go build` needs no Node. With --check it builds into a temporary directory and compares: it
// exits 1 and names the files that differ.
import { build } from "esbuild";
import { cp, mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync } from "node:zlib";
import { world } from "./world.mjs";
import { check } from "../../internal/npm/dist.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const dist = join(here, "dist");
const bundled = ["preact", "@preact/signals", "@preact/signals-core", "world-atlas"];

async function buildInto(dir) {
  await mkdir(dir, { recursive: true });
  const { metafile } = await build({
    absWorkingDir: here,
    entryPoints: { app: "src/main.tsx", style: "src/style.css" },
    outdir: dir,
    bundle: true,
    splitting: true,
    chunkNames: "[name]-[hash]",
    metafile: true,
    minify: true,
    format: "esm",
    target: "es2022",
    jsx: "automatic",
    jsxImportSource: "preact",
    charset: "utf8",
    logLevel: "warning",
  });
  await cp(join(here, "static"), dir, { recursive: true });
  await writeFile(join(dir, "world.json"), JSON.stringify(world()));
  await preload(dir, firstFiles(metafile));
  await writeFile(join(dir, "licenses.txt"), await licenses());
}

// firstFiles returns the names of the scripts that app.js imports at once, for the first view.
function firstFiles(metafile) {
  const outputs = new Map(Object.entries(metafile.outputs).map(([path, output]) => [basename(path), output]));
  const names = new Set(["app.js"]);
  for (const name of names) {
    for (const { path, kind } of outputs.get(name).imports) if (kind === "import-statement") names.add(basename(path));
  }
  names.delete("app.js");
  return [...names].sort();
}

// preload has index.html name these scripts, so that they come together with app.js.
async function preload(dir, names) {
  const path = join(dir, "index.html");
  const links = names.map((name) => `<link rel="modulepreload" href="/${name}">\n`).join("");
  await writeFile(path, (await readFile(path, "utf8")).replace("<script", `${links}<script`));
}

// licenses gathers what the licences of the bundled packages ask to be passed on with them.
async function licenses() {
  const texts = bundled.map(async (name) => {
    const dir = join(here, "node_modules", name);
    const { version } = JSON.parse(await readFile(join(dir, "package.json"), "utf8"));
    return `${name} ${version}\n\n${(await readFile(join(dir, "LICENSE"), "utf8")).trim()}\n`;
  });
  return (await Promise.all(texts)).join("\n\n");
}

// names returns the names of all files in dist and in dir.
async function names(dir) {
  return [...new Set([...(await readdir(dist)), ...(await readdir(dir))])].sort();
}

// Most bytes of the first view, and of all files, compressed with brotli.
const mostFirst = 40_000;
const mostAll = 150_000;

// weigh exits with 1 if the page has become too heavy.
async function weigh() {
  const sizes = {};
  for (const name of await readdir(dist)) sizes[name] = brotliCompressSync(await readFile(join(dist, name))).length;
  const html = await readFile(join(dist, "index.html"), "utf8");
  const named = [...html.matchAll(/(?:href|src)="\/([\w.-]+)"/g)].map(([, name]) => name);
  const first = ["index.html", ...named].reduce((sum, name) => sum + sizes[name], 0);
  const all = Object.values(sizes).reduce((sum, size) => sum + size, 0);
  console.log(`dist/ has ${all} bytes with brotli, ${first} of them for the first view`);
  if (first > mostFirst || all > mostAll) {
    console.error(`at most ${mostFirst} for the first view and ${mostAll} in all are allowed`);
    process.exitCode = 1;
  }
}

if (process.argv.includes("--check")) {
  await weigh();
  await check({ dist, label: "dist/", buildInto, names });
} else {
  await rm(dist, { recursive: true, force: true });
  await buildInto(dist);
}
