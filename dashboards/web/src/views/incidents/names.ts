/** Those of some names that a text has, in capitals or not. */
export function namesIn(text: string, names: string[]): string[] {
  const told = text.toLowerCase();
  return names.filter((name) => told.includes(name.toLowerCase()));
}
