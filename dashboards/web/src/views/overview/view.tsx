import { useComputed } from "@preact/signals";
import { section, useWatch } from "../../live/store.ts";
import { Incidents } from "./incidents.tsx";
import { Networks } from "./networks.tsx";
import { Now } from "./now.tsx";
import { Objectives } from "./objectives.tsx";
import { Outcomes } from "./outcomes.tsx";
import { Pipeline } from "./pipeline.tsx";
import { Probes } from "./probes.tsx";
import { Samples } from "./samples.tsx";
import { manyServers } from "./look.ts";
import { Servers } from "./servers.tsx";

/** Up to so many servers the map is small and other panels fill the room. */
const fewServers = 100;

function arrangement(servers: number): string {
  if (servers >= manyServers) return "many-servers";
  return servers <= fewServers ? "few-servers" : "some-servers";
}

/** Everything at a glance. */
export function Overview() {
  useWatch("servers");
  // All of it would be rendered anew with each server that changes, if it read more than that.
  const arranged = useComputed(() => arrangement(section("servers").value?.count ?? 0));
  return (
    <div class={`overview ${arranged.value}`}>
      <Now />
      <Incidents />
      <Networks />
      <Servers />
      <Outcomes />
      <Samples />
      <Probes />
      <Objectives />
      <Pipeline />
    </div>
  );
}
