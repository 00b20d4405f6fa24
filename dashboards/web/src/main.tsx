// The dashboard: one page, fed by one stream.
import { render } from "preact";
import { snapshot, start, status } from "./store.ts";
import { Banner, Header } from "./ui/header.tsx";
import { Incidents } from "./ui/incidents.tsx";
import { Networks } from "./ui/networks.tsx";
import { Outcomes } from "./ui/outcomes.tsx";
import { Samples } from "./ui/samples.tsx";
import { manyServers, Servers } from "./ui/servers.tsx";

/** Up to so many servers the map is small and other panels fill the room. */
const fewServers = 100;

function arrangement(servers: number): string {
  if (servers >= manyServers) return "many-servers";
  return servers <= fewServers ? "few-servers" : "some-servers";
}

function Page() {
  const s = snapshot.value;
  return (
    <>
      <Banner />
      <Header />
      {s !== undefined && (
        <main class={`${arrangement(s.servers.count)} ${status.value.kind === "lost" ? "stale" : ""}`}>
          <Incidents />
          <Networks />
          <Servers />
          <Outcomes />
          <Samples />
        </main>
      )}
    </>
  );
}

const root = document.getElementById("app");
if (root !== null) {
  root.replaceChildren();
  render(<Page />, root);
  start();
}
