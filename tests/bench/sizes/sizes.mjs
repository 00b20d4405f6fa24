// Prints what Heliograph's browser package costs a page, beside @sentry/browser built the same way:
// esbuild, minified, one ES module. It is a package of its own so that Sentry's is nobody's
// dependency. It exits 1 when a budget of ours is exceeded.
import { build } from "esbuild";
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { compressed, exceeded, packageSizes, print } from "../../../wasm/npm/sizes.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const { version } = JSON.parse(await readFile(join(here, "node_modules", "@sentry", "browser", "package.json"), "utf8"));
const dsn = `"https://key@o0.ingest.sentry.io/0"`;
const peers = {
  [`@sentry/browser ${version}, client without integrations`]: `import { BrowserClient, defaultStackParser, makeFetchTransport } from "@sentry/browser";
    new BrowserClient({ dsn: ${dsn}, transport: makeFetchTransport, stackParser: defaultStackParser, integrations: [] }).init();`,
  [`@sentry/browser ${version}, init() as documented`]: `import { init } from "@sentry/browser"; init({ dsn: ${dsn} });`,
};

const ours = await packageSizes();
const rows = [...ours];
for (const [name, contents] of Object.entries(peers)) {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: here }, bundle: true, minify: true, format: "esm", target: "es2022", legalComments: "none", write: false, logLevel: "warning",
  });
  rows.push({ name, ...compressed(outputFiles[0].contents) });
}
print(rows);
for (const line of exceeded(ours)) {
  console.error(line);
  process.exitCode = 1;
}
