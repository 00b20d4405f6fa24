// Errors that are not the application's.

/**
 * noise are the errors that are left out unless the application says otherwise, as "type: message":
 * what a browser reports and no application can mend, errors of scripts whose origin the browser
 * keeps to itself, and those of the user's extensions.
 */
export const noise: RegExp[] = [/ResizeObserver loop/, /: Script error/, /^extension /];

/**
 * fromExtension reports whether an error's first frame is a browser extension's. Chromium puts type
 * and message before the frames, which may contain an address as well.
 */
export function fromExtension(stack: string, message: string): boolean {
  return /^[^/]*-extension:/.test(stack.replace(message, ""));
}
