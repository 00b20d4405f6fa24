// The file system that the Go program sees: /spool, which is the spool's directory, and nothing
// else. It answers at once instead of by the event loop, because the program has a thread
// of its own.
"use strict";

const fs = require("node:fs");
const path = require("node:path");

const SPOOL = "/spool";
const FIRST_DIRECTORY = 1 << 20; // numbers of open directories, which not every system can open

/**
 * Returns what wasm_exec.js expects as globalThis.fs. locks know the descriptors; write gets what
 * the program prints.
 */
function files(spool, locks, write) {
  const open = new Map(); // directories
  let next = FIRST_DIRECTORY;
  const calls = {
    open(name, flags, mode) {
      const real = realPath(spool, name);
      if (!fs.statSync(real, { throwIfNoEntry: false })?.isDirectory()) return fs.openSync(real, flags, mode);
      open.set(next, real);
      return next++;
    },
    close(fd) {
      if (open.delete(fd)) return;
      fs.closeSync(fd);
      locks.release(fd);
    },
    fstat: (fd) => (open.has(fd) ? fs.statSync(open.get(fd)) : fs.fstatSync(fd)),
    fsync: (fd) => (open.has(fd) ? syncDirectory(open.get(fd)) : fs.fsyncSync(fd)),
    mkdir: (name, mode) => fs.mkdirSync(realPath(spool, name), { mode, recursive: name === SPOOL }),
    rename: (from, to) => fs.renameSync(realPath(spool, from), realPath(spool, to)),
    write: (fd, ...rest) => (fd === 1 || fd === 2 ? write(rest[0]) : fs.writeSync(fd, ...rest)),
    read: fs.readSync, ftruncate: fs.ftruncateSync, fchmod: fs.fchmodSync,
  };
  for (const name of ["stat", "lstat", "readdir", "unlink", "rmdir", "chmod", "truncate"]) {
    calls[name] = (file, ...rest) => fs[`${name}Sync`](realPath(spool, file), ...rest);
  }
  const shown = { constants: { ...fs.constants, O_DIRECTORY: fs.constants.O_DIRECTORY ?? 0 }, writeSync: (_fd, text) => write(text) };
  for (const [name, call] of Object.entries(calls)) shown[name] = answering(call);
  for (const name of ["chown", "fchown", "lchown", "link", "symlink", "readlink", "utimes"]) shown[name] = answering(notHere);
  return shown;
}

// Calls back once, and lets no exception of the callback look like one of the call.
function answering(call) {
  return (...args) => {
    const callback = args.pop();
    let answer, fault = null;
    try {
      answer = call(...args);
    } catch (error) {
      fault = error;
    }
    if (fault) callback(fault);
    else callback(null, answer);
  };
}

function notHere() {
  throw Object.assign(new Error("not for a spool"), { code: "ENOSYS" });
}

// The program never leaves its directory; whatever it asked for outside of it would not be there.
function realPath(spool, name) {
  const whole = path.posix.normalize(name);
  if (whole === "/") return path.dirname(spool);
  if (whole === SPOOL) return spool;
  const base = whole.startsWith(SPOOL + "/") ? whole.slice(SPOOL.length + 1) : "";
  if (base === "" || /[/\\]/.test(base)) throw Object.assign(new Error("outside of the spool"), { code: "ENOENT" });
  return path.join(spool, base);
}

// Makes a directory's entries durable. Windows can neither do it nor needs it.
function syncDirectory(name) {
  if (process.platform === "win32") return;
  const fd = fs.openSync(name, "r");
  try {
    fs.fsyncSync(fd);
  } finally {
    fs.closeSync(fd);
  }
}

module.exports = { files, realPath, SPOOL };
