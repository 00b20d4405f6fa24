// The probers' vantages, from what they found of servers.
import type { Probed } from "../../api.gen.ts";

export interface Vantage {
  name: string;
  /** Two letters; undefined if the dashboard is not told. */
  country: string | undefined;
  /** How many servers it finds up and down, and of how many it is in doubt. */
  up: number;
  down: number;
  unsure: number;
  /** Its number among the vantages of its country, from 0. */
  nth: number;
}

export function vantagesOf(probed: Probed[]): Vantage[] {
  const all = new Map<string, Vantage>();
  const inCountry = new Map<string, number>();
  for (const found of probed.flatMap((server) => server.vantages)) {
    let v = all.get(found.vantage);
    if (v === undefined) {
      const nth = inCountry.get(found.country ?? "") ?? 0;
      inCountry.set(found.country ?? "", nth + 1);
      all.set(found.vantage, (v = { name: found.vantage, country: found.country, up: 0, down: 0, unsure: 0, nth }));
    }
    if (found.expired || (found.judgement !== "up" && found.judgement !== "down")) v.unsure++;
    else if (found.judgement === "up") v.up++;
    else v.down++;
  }
  return [...all.values()];
}
