// Numbers, spans and times as people read them. Times are in the zone that the page shows.
import { utc } from "./zone.ts";

const grouped = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const compact = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });

/**
 * A count: exact below a million, then "1.2M". Estimates are rounded; what is above 0 is never
 * shown as 0.
 */
export function count(n: number): string {
  if (n > 0 && n < 1) return "<1";
  return n < 999_999.5 ? grouped.format(n) : compact.format(n);
}

/**
 * The share of part in whole: "0 %", "<0.1 %", "3.4 %", "57 %", "99.8 %"; 100 only when it is all.
 */
export function share(part: number, whole: number): string {
  if (whole <= 0) return "–";
  const percent = (100 * part) / whole;
  if (percent <= 0) return "0 %";
  if (percent < 0.1) return "<0.1 %";
  if (percent < 9.95) return `${percent.toFixed(1)} %`;
  if (percent >= 100) return "100 %";
  if (percent >= 99) return `${(Math.floor(percent * 10) / 10).toFixed(1)} %`;
  return `${Math.round(percent)} %`;
}

/** A stretch of time, to its two largest units: "14 s", "3 min 5 s", "2 h 5 min", "3 d 4 h". */
export function span(ms: number): string {
  const s = Math.max(0, Math.floor(ms / 1000));
  if (s < 60) return `${s} s`;
  if (s < 600) return join(Math.floor(s / 60), "min", s % 60, "s");
  if (s < 3600) return `${Math.floor(s / 60)} min`;
  if (s < 86_400) return join(Math.floor(s / 3600), "h", Math.floor((s % 3600) / 60), "min");
  return join(Math.floor(s / 86_400), "d", Math.floor((s % 86_400) / 3600), "h");
}

function join(major: number, majorUnit: string, minor: number, minorUnit: string): string {
  return minor === 0 ? `${major} ${majorUnit}` : `${major} ${majorUnit} ${minor} ${minorUnit}`;
}

/** Time of day, "12:03:10", with the day before it unless it is today's. */
export function clock(at: number, now: number): string {
  const t = shown(at);
  const time = `${minute(at)}:${two(t.getUTCSeconds())}`;
  if (day(at) === day(now)) return time;
  return `${t.toLocaleDateString("en-GB", { day: "numeric", month: "short", timeZone: "UTC" })}, ${time}`;
}

/** A date whose UTC fields are those to be shown. */
function shown(at: number): Date {
  return new Date(utc.value ? at : at - new Date(at).getTimezoneOffset() * 60_000);
}

function day(at: number): string {
  return shown(at).toISOString().slice(0, 10);
}

/** The zone of the page's times at a time: "UTC", "UTC+1", "UTC−3:30". */
export function zone(at: number): string {
  const minutes = utc.value ? 0 : -new Date(at).getTimezoneOffset();
  const hours = Math.floor(Math.abs(minutes) / 60);
  const rest = Math.abs(minutes) % 60;
  return minutes === 0 ? "UTC" : `UTC${minutes < 0 ? "−" : "+"}${hours}${rest === 0 ? "" : `:${two(rest)}`}`;
}

/** Time of day without seconds. */
export function minute(at: number): string {
  const t = shown(at);
  return `${two(t.getUTCHours())}:${two(t.getUTCMinutes())}`;
}

/** Time of day without seconds, with the day before it unless it is today's. */
export function moment(at: number, now: number): string {
  return clock(at, now).slice(0, -3);
}

function two(n: number): string {
  return n < 10 ? `0${n}` : `${n}`;
}

/** "1 server", "2 servers". */
export function plural(n: number, one: string, many = `${one}s`): string {
  return `${count(n)} ${n === 1 ? one : many}`;
}

const mostName = 60;

/** A network as people call it: its name, or its number, or that it is unknown. */
export function network(asn: number | undefined, name: string | undefined): string {
  if (name) return shortened(name, mostName);
  return asn ? `AS${asn}` : "Unknown network";
}

/** "35 of 60 failed (58 %)", or that nothing was heard. */
export function failedWords(ok: number, failed: number): string {
  const all = ok + failed;
  return all > 0 ? `${count(failed)} of ${count(all)} failed (${share(failed, all)})` : "nothing heard";
}

/** A latency: "1.5 ms", "87 ms", "2.4 s". */
export function elapsed(ms: number): string {
  if (ms > 0 && ms < 9.95) return `${ms.toFixed(1)} ms`;
  if (ms < 1000) return `${Math.round(ms)} ms`;
  return ms < 10_000 ? `${(ms / 1000).toFixed(1)} s` : span(ms);
}

/** Characters that turn the direction of others, or hide: they are shown as what they are, a fault. */
const turning = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/** A text of others with a sign in the place of each character that would act on the page. */
export function inert(text: string): string {
  return text.replace(turning, "\ufffd");
}

/** Longer words are cut to their beginnings and ends. */
const wordHead = 40;
const wordTail = 16;
const longWord = /[^\s/]{61,}/g;
/** Longer texts are cut, too. */
const mostText = 400;

/**
 * A text of others, inert and short enough to stand anywhere: words of more than 60 characters, and
 * what is still longer than most, lose their middle.
 */
export function shortened(text: string, most = mostText): string {
  const words = inert(text).replace(longWord, (word) => cut(word, wordHead, wordTail));
  return words.length <= most ? words : cut(words, Math.ceil(most * 0.75), Math.floor(most * 0.2));
}

function cut(text: string, head: number, tail: number): string {
  return `${text.slice(0, head).replace(/[\ud800-\udbff]$/, "")}…${text.slice(-tail).replace(/^[\udc00-\udfff]/, "")}`;
}

/** "a, b and 7 others": names of others, of which at most so many are said. */
export function listed(names: string[], most: number): string {
  const some = names.length <= most ? names : names.slice(0, most - 1);
  const told = some.map((name) => shortened(name, 80)).join(", ");
  return some.length === names.length ? told : `${told} and ${plural(names.length - some.length, "other")}`;
}
