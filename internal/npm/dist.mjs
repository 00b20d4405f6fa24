// What this repository's npm packages do with the files that they build and commit.
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

// check builds into a temporary directory and compares the files called names(dir) with those in
// dist, which messages call label. If files differ, it prints their names and sets the exit code.
export async function check({ dist, label, buildInto, names }) {
  const dir = await mkdtemp(join(tmpdir(), "heliograph-dist-"));
  try {
    await buildInto(dir);
    const changed = [];
    for (const name of await names(dir)) {
      const [committed, built] = await Promise.all([read(dist, name), read(dir, name)]);
      if (!committed.equals(built)) changed.push(name);
    }
    if (changed.length > 0) {
      console.error(`${label} is not what src/ builds to: ${changed.join(", ")}; run npm run build and commit ${label}`);
      process.exitCode = 1;
    } else {
      console.log(`${label} is what src/ builds to`);
    }
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

// read returns a file's bytes, and none if there is no such file.
const read = (dir, name) => readFile(join(dir, name)).catch(() => Buffer.alloc(0));
