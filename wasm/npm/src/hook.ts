// Replacing functions of the page so that it cannot tell.

type Any = (this: any, ...args: any[]) => any;

/** The functions that one agent has replaced, and its listeners. */
export interface Hooks {
  /**
   * Puts make(original) into target's place. Where that is not possible (frozen by the page,
   * missing) nothing happens.
   */
  wrap(target: object | undefined, name: string, make: (original: Any) => Any): void;
  listen(target: EventTarget | undefined | null, type: string, handle: (event: any) => void, capture?: boolean): void;
  /**
   * Takes off what is still on top. Beneath another library's wrapper ours stays, and only
   * passes on.
   */
  unhook(): void;
}

export function newHooks(): Hooks {
  let replaced: [target: Record<string, unknown>, name: string, original: Any, wrapper: Any][] = [];
  let listening: (() => void)[] = [];
  return {
    wrap(target, name, make) {
      const object = target as Record<string, Any> | undefined;
      const original = object?.[name];
      // Another library may have wrapped ours, so that it could not be taken off and is
      // still at work.
      if (!original || replaced.some((r) => r[0] === object && r[1] === name)) return;
      try {
        const wrapper = make(original);
        Object.defineProperties(wrapper, Object.getOwnPropertyDescriptors(original)); // name and length
        object[name] = wrapper;
        replaced.push([object, name, original, wrapper]);
      } catch {
        // Then this part of the page is not seen.
      }
    },
    listen(target, type, handle, capture) {
      const guarded = (event: Event) => {
        try {
          handle(event);
        } catch {
          // What the page throws about may throw itself when it is looked at.
        }
      };
      target?.addEventListener(type, guarded, capture);
      listening.push(() => target?.removeEventListener(type, guarded, capture));
    },
    unhook() {
      for (const off of listening) off();
      listening = [];
      replaced = replaced.filter(([object, name, original, wrapper]) => {
        if (object[name] !== wrapper) return true;
        object[name] = original;
        return false;
      });
    },
  };
}
