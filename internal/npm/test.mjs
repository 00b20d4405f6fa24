// The test runner of this repository's npm packages. Each passes its own esbuild.
import { spawnSync } from "node:child_process";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

// runTests bundles here/test/*.test.ts, because not every version of Node reads TypeScript, and
// runs the bundles with node --test. It sets the process's exit code.
export async function runTests(build, here, options = {}) {
  const tests = (await readdir(join(here, "test"))).filter((name) => name.endsWith(".test.ts")).sort();
  if (tests.length === 0) throw new Error("test/ has no *.test.ts");

  const dir = await mkdtemp(join(tmpdir(), "heliograph-npm-test-"));
  try {
    await build({
      absWorkingDir: here,
      entryPoints: tests.map((name) => join("test", name)),
      outdir: dir,
      outExtension: { ".js": ".mjs" },
      bundle: true,
      platform: "node",
      format: "esm",
      target: "node20",
      sourcemap: "inline",
      logLevel: "warning",
      ...options,
    });
    const files = tests.map((name) => join(dir, name.replace(/\.ts$/, ".mjs")));
    const run = spawnSync(process.execPath, ["--enable-source-maps", "--test", ...files], {
      stdio: "inherit",
      env: { ...process.env, TZ: "UTC" },
    });
    process.exitCode = run.status ?? 1;
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}
