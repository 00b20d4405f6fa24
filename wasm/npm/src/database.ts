// Looking into the agent's database without the agent: its worker is only worth loading when
// something is there.

/** The database and its store of sealed reports, as wasm/internal/idbspool makes them. */
export const database = "heliograph";
const segments = "segments";

/**
 * leftover reports whether earlier pages left reports behind that no collector has confirmed; with
 * any, whether they left anything at all.
 */
export async function leftover(any: boolean): Promise<boolean> {
  try {
    // Opening it first would create it.
    const there = (await indexedDB.databases()).some((d) => d.name === database);
    if (any || !there) return there;
    const open = indexedDB.open(database);
    open.onupgradeneeded = () => open.transaction!.abort(); // it has gone meanwhile: leave it so
    const db = await result(open);
    const count = result(db.transaction(segments).objectStore(segments).count());
    db.close(); // when the transaction has ended
    return (await count) > 0;
  } catch {
    return false; // private mode, a sandboxed frame, an old browser
  }
}

function result<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = reject;
  });
}
