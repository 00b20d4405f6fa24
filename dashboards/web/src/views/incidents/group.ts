// Incidents that are the same fault again belong together.
import type { Incident } from "../../api.gen.ts";

/** The incidents by fault, in their order: each list has the same cause, target and scope. */
export function grouped(incidents: Incident[]): [Incident, ...Incident[]][] {
  const groups = new Map<string, [Incident, ...Incident[]]>();
  for (const incident of incidents) {
    const key = JSON.stringify([incident.app, incident.target, incident.verdict, incident.scope]);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [incident]);
    else group.push(incident);
  }
  return [...groups.values()];
}
