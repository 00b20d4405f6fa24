// Runs the tests in test/.
import { build } from "esbuild";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { runTests } from "../../internal/npm/test.mjs";

await runTests(build, dirname(fileURLToPath(import.meta.url)));
