// How bad a cell is: its failures beyond what is normal for its origin.

/** -1: nothing heard; 0: as normal; 1 to 4: so much more fails. */
export type Level = -1 | 0 | 1 | 2 | 3 | 4;

/** From so much more of all requests on, a level begins. */
export const from = [0.02, 0.1, 0.3, 0.6] as const;

/** With fewer failures than this beyond the normal ones, a cell says little: it is level 1 at most. */
const telling = 3;

export function levelOf(ok: number, failed: number, normal: number): Level {
  const all = ok + failed;
  if (all <= 0) return -1;
  const excess = failed / all - normal;
  const level = from.filter((least) => excess >= least).length as Level;
  return failed - normal * all < telling ? (Math.min(level, 1) as Level) : level;
}

/** What a level means, for the key. */
export const meanings: [Level, string][] = [
  [0, "as normal"], [1, "+2 points failed"], [2, "+10"], [3, "+30"], [4, "+60"], [-1, "nothing heard"],
];
