// Plain words for how failures develop.
import type { Trend } from "./api.gen.ts";

const words: Record<Trend, string> = {
  too_early: "too early to say whether it gets better",
  worse: "getting worse",
  steady: "not getting better",
  recovering: "recovering",
  recovered: "back to normal",
};

/** "recovering since 12:03:10": a trend, and the time of day since when, if one is known. */
export function trendWords(trend: Trend, since?: string): string {
  return since ? `${words[trend]} since ${since}` : words[trend];
}
