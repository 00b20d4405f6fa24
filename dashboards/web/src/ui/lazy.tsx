import type { ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";
import { status } from "../live/store.ts";

/**
 * A component whose code is fetched when it is first shown. After an upgrade of the server the
 * file may be gone, so that the page must be loaded anew. If the server was away, it is loaded anew
 * when the server is back: browsers remember that a file could not be had, and the address has all
 * that is shown.
 */
export function lazy<P extends object>(load: () => Promise<ComponentType<P>>): ComponentType<P> {
  let loaded: ComponentType<P> | undefined;
  return function Lazy(props: P) {
    const [state, setState] = useState<"waits" | "here" | "failed" | "failed while lost">(loaded === undefined ? "waits" : "here");
    const back = state === "failed while lost" && status.value.kind === "live";
    useEffect(() => {
      if (back) location.reload();
    }, [back]);
    useEffect(() => {
      if (loaded !== undefined) return;
      load().then(
        (component) => {
          loaded = component;
          setState("here");
        },
        () => setState(status.peek().kind === "lost" ? "failed while lost" : "failed"),
      );
    }, []);
    const Loaded = loaded;
    if (Loaded !== undefined) return <Loaded {...props} />;
    if (state === "waits") return <p class="empty">Loading …</p>;
    return (
      <p class="empty" role="alert">
        This part of the page cannot be loaded.{" "}
        <button type="button" onClick={() => location.reload()}>
          Load the page anew
        </button>
      </p>
    );
  };
}
