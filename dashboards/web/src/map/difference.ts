// How the states of the servers differ from those of another time.
import { differing, type Cells, type Mark, type States } from "./states.ts";

/** What happened to servers between two times, in the same groups. */
export class Difference implements Cells {
  readonly count: number;
  readonly notable: Mark[] = ["failed", "recovered", "still down"];

  constructor(
    private readonly then: States,
    private readonly present: States,
  ) {
    this.count = present.count;
  }

  at(i: number): Mark {
    const now = this.present.at(i);
    const before = this.then.at(i);
    if (now === "down") return before === "down" ? "still down" : "failed";
    return now === "up" && before === "down" ? "recovered" : now;
  }

  tally(mark: Mark, first: number, n: number): number {
    let sum = 0;
    for (let i = this.find(mark, first, first + n); i < first + n; i = this.find(mark, i + 1, first + n)) sum++;
    return sum;
  }

  runEnd(mark: Mark, i: number, end: number): number {
    if (mark !== "up") {
      while (i < end && this.at(i) === mark) i++;
      return i;
    }
    while (i < end) {
      const stillUp = this.present.runEnd("up", i, end);
      const next = Math.min(stillUp, this.then.find("down", i, stillUp));
      if (next === i) return i;
      i = next;
    }
    return end;
  }

  find(mark: Mark, i: number, end: number): number {
    while (i < end && this.at(i) !== mark) {
      const up = mark === "up" ? i : this.runEnd("up", i, end);
      i = up === i ? i + 1 : up;
    }
    return Math.min(i, end);
  }

  nextDown(i: number): number {
    for (const [from, to] of [[i + 1, this.count], [0, i + 1]] as const) {
      const next = Math.min(...(["failed", "still down"] as const).map((mark) => this.find(mark, from, to)));
      if (next < to) return next;
    }
    return -1;
  }

  changed(others: Cells, most: number): number[] | undefined {
    if (!(others instanceof Difference) || others.then !== this.then) return undefined;
    return differing([[this.present.upBits, others.present.upBits], [this.present.unknownBits, others.present.unknownBits]], most);
  }
}
