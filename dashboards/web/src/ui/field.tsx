import type { TargetedEvent } from "preact";
import { useLayoutEffect, useState } from "preact/hooks";

interface Props {
  /** What the address says. */
  value: string;
  /** Takes what was typed, without spaces around it; returns false for what makes no sense. */
  take: (text: string) => boolean | void;
  /** Says what is wrong with a text that makes no sense. */
  wrong?: string;
  search?: boolean;
  class?: string;
  placeholder?: string;
  maxLength?: number;
}

/**
 * A field for a text that stands in the page's address. While somebody types, the text is theirs:
 * neither an answer that comes nor the next second of the clock puts back the one of before. What
 * makes no sense stays, marked as invalid, until the address says something else.
 */
export function Field({ value, take, wrong, search, ...input }: Props) {
  const [draft, setDraft] = useState<string | undefined>(undefined);
  const [refused, setRefused] = useState(false);
  useLayoutEffect(() => {
    setDraft(undefined);
    setRefused(false);
  }, [value]);
  const done = (typed: string) => {
    const text = typed.trim();
    const taken = text === value || take(text) !== false;
    setRefused(!taken);
    if (taken) setDraft(undefined);
  };
  const all = {
    ...input,
    value: draft ?? value,
    "aria-invalid": refused ? ("true" as const) : undefined,
    onInput: (event: TargetedEvent<HTMLInputElement>) => setDraft(event.currentTarget.value),
    onChange: (event: TargetedEvent<HTMLInputElement>) => done(event.currentTarget.value),
    onBlur: (event: TargetedEvent<HTMLInputElement>) => done(event.currentTarget.value),
  };
  return (
    <>
      {search ? <input type="search" {...all} /> : <input {...all} />}
      {refused && (
        <small class="bad-text" role="alert">
          {" "}
          {wrong}
        </small>
      )}
    </>
  );
}
