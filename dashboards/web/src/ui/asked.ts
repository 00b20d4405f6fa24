// What a view asks the server for.
import { useEffect, useState } from "preact/hooks";

const again = 3000; // milliseconds until what failed is asked for again

/**
 * Returns the answer to ask, undefined before the first, and a function that asks again. It asks
 * when one of deps changes, and every few seconds while the server gives no answer.
 */
export function useAsked<T>(ask: () => Promise<T>, deps: unknown[]): [answer: T | undefined, reload: () => void] {
  const [answer, setAnswer] = useState<T | undefined>(undefined);
  const [round, setRound] = useState(0);
  const reload = () => setRound((n) => n + 1);
  useEffect(() => {
    let over = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    ask().then(
      (got) => over || setAnswer(() => got),
      () => {
        if (!over) timer = setTimeout(reload, again);
      },
    );
    return () => {
      over = true;
      clearTimeout(timer);
    };
  }, [...deps, round]);
  return [answer, reload];
}
