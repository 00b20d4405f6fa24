// Objects that strangers cannot add to.

/**
 * own returns a copy of o that has nothing but o's own properties. What a script has put on
 * Object.prototype is read from any other object that leaves it out: a consent that nobody gave, or
 * a signal in a request's options.
 */
export function own<T extends object>(o: T): T {
  return { __proto__: null, ...o } as T;
}
