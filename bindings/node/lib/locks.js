// Locks between processes. Node has none that end with a process, so that a file says who holds a
// lock: its process, and when that was started. A holder that is gone has lost it.
"use strict";

const fs = require("node:fs");
const os = require("node:os");

const NEWBORN = 10_000; // milliseconds in which a holder's file may be empty, and a break under way
const TRUST = 3_600_000; // milliseconds for which a holder is believed alive that cannot be looked at

class Locks {
  #held = new Map(); // descriptor: holder's file
  #me;

  constructor() {
    const token = Array.from(crypto.getRandomValues(new Uint8Array(8)), (b) => b.toString(16).padStart(2, "0")).join("");
    this.#me = JSON.stringify({ pid: process.pid, started: started(process.pid), place: place(), token });
  }

  /** Locks the file that is open as fd until release(fd); answers "locked" or "busy". */
  lock(fd, file) {
    const holder = `${file}.holder`;
    for (let tries = 0; tries < 3; tries++) {
      try {
        fs.writeFileSync(holder, this.#me, { flag: "wx", mode: 0o600 });
        this.#held.set(fd, holder);
        return "locked";
      } catch (error) {
        if (error.code !== "EEXIST") return `locking ${file}: ${error.message}`;
      }
      const who = read(holder);
      if (who !== undefined && (this.#alive(who) || !this.#take(holder, who.text))) return "busy";
    }
    return "busy";
  }

  release(fd) {
    const holder = this.#held.get(fd);
    if (!holder) return;
    this.#held.delete(fd);
    try {
      if (read(holder)?.text === this.#me) fs.unlinkSync(holder);
    } catch {
      // it was deleted with the spool
    }
  }

  #alive({ text, age }) {
    let who;
    try {
      who = JSON.parse(text);
    } catch {
      return age < NEWBORN;
    }
    if (who.place !== place()) return age < TRUST; // another container, or another computer
    if (who.pid === process.pid) return who.token === JSON.parse(this.#me).token;
    try {
      process.kill(who.pid, 0);
    } catch (error) {
      if (error.code === "ESRCH") return false;
    }
    const now = started(who.pid);
    return now !== "" && who.started !== "" ? now === who.started : age < TRUST;
  }

  // Takes the lock away from a holder that is gone. Only one process does so at a time, and looks
  // again before: so that nobody's lock is taken who got it meanwhile.
  #take(holder, text) {
    const breaking = `${holder}.break`;
    try {
      fs.mkdirSync(breaking);
    } catch {
      const age = ageOf(breaking);
      if (age !== undefined && age > NEWBORN) tried(() => fs.rmdirSync(breaking)); // of a process that died in between
      return false;
    }
    const taken = read(holder)?.text !== text || tried(() => fs.unlinkSync(holder));
    tried(() => fs.rmdirSync(breaking));
    return taken;
  }
}

/** Whether a file could be removed. Another process may have done so first. */
function tried(remove) {
  try {
    remove();
    return true;
  } catch {
    return false;
  }
}

/** The text and the age of a holder's file, in milliseconds; undefined if there is none. */
function read(holder) {
  try {
    return { text: fs.readFileSync(holder, "utf8"), age: ageOf(holder) ?? 0 };
  } catch {
    return undefined;
  }
}

function ageOf(name) {
  try {
    return Date.now() - fs.statSync(name).mtimeMs;
  } catch {
    return undefined;
  }
}

/** When a process was started, in the system's own unit; "" where it cannot be told. */
function started(pid) {
  try {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, "latin1");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19]; // field 22 of proc(5)
  } catch {
    return "";
  }
}

/** Where process ids mean the same: a start of a computer and a name space on it. */
function place() {
  try {
    return fs.readFileSync("/proc/sys/kernel/random/boot_id", "latin1").trim() + fs.readlinkSync("/proc/self/ns/pid");
  } catch {
    return os.hostname();
  }
}

module.exports = { Locks };
