// The dashboard: a header that judges, and one view at a time, fed by one stream.
import { render } from "preact";
import { start, status } from "./live/store.ts";
import { rangeOf, rangeParams } from "./range.ts";
import { path, query, startRouter, viewOf } from "./router.ts";
import { Banner, Header } from "./ui/header.tsx";
import { views, type View } from "./views/views.ts";

function Page() {
  const view = viewOf(path.value, views);
  return (
    <>
      <Banner />
      <Header>
        <Views current={view} />
      </Header>
      <main class={status.value.kind === "lost" ? "stale" : ""}>
        <view.View />
      </main>
    </>
  );
}

/** The time that is asked for, for another view; nothing if none is. */
function kept(query: string): string {
  const p = new URLSearchParams(query);
  return p.has("since") ? `?${new URLSearchParams(rangeParams(rangeOf(query)))}` : "";
}

/** Links to the views, when there are several. */
function Views(props: { current: View }) {
  if (views.length < 2) return null;
  return (
    <nav class="views" aria-label="Views">
      {views.map((view) => (
        <a key={view.path} href={`#/${view.path}${view.timed ? kept(query.value) : ""}`} aria-current={view === props.current ? "page" : undefined}>
          {view.title}
        </a>
      ))}
    </nav>
  );
}

const root = document.getElementById("app");
if (root !== null) {
  root.replaceChildren();
  startRouter();
  render(<Page />, root);
  start();
}
