// Replacing functions of the page so that it cannot tell.

type Any = (this: any, ...args: any[]) => any;

/** The functions that one agent has replaced, and its listeners. */
export interface Hooks {
  /**
   * Puts make(original) into target's place. Where that is not possible (frozen by the page,
   * missing) nothing happens. No two targets have a function of the same name.
   */
  wrap(target: object | undefined, name: string, make: (original: Any) => Any): void;
  listen(target: EventTarget | undefined | null, type: string, handle: (event: any) => void, capture?: boolean): void;
  /** Has unhook call back. What returns true stays. */
  later(undo: () => unknown): void;
  /**
   * Takes off what is still on top. Beneath another library's wrapper ours stays, and only
   * passes on.
   */
  unhook(): void;
}

export function newHooks(): Hooks {
  const wrapped: Record<string, unknown> = {}; // names
  let undos: (() => unknown)[] = [];
  const hooks: Hooks = {
    wrap(target, name, make) {
      const object = target as Record<string, Any>;
      const original = object?.[name];
      // Another library may have wrapped ours, so that it could not be taken off and is
      // still at work.
      if (!original || wrapped[name]) return;
      try {
        const wrapper = make(original);
        // name and length
        Object.defineProperties(wrapper, Object.getOwnPropertyDescriptors(original));
        object[name] = wrapper;
        wrapped[name] = true;
        hooks.later(() => {
          if (object[name] !== wrapper) return true;
          object[name] = original;
          return (wrapped[name] = null);
        });
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
      hooks.later(() => target?.removeEventListener(type, guarded, capture));
    },
    later: (undo) => undos.push(undo),
    unhook() {
      undos = undos.filter((undo) => {
        try {
          return undo();
        } catch {
          return true; // the page has frozen it meanwhile
        }
      });
    },
  };
  return hooks;
}
