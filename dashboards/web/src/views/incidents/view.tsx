import { path } from "../../router.ts";
import { IncidentList } from "./list.tsx";
import { IncidentView } from "./incident.tsx";

/** #/incidents lists them, and #/incidents/7 is the page of one. */
export function Incidents() {
  const id = path.value.split("/")[1];
  return id === undefined ? <IncidentList /> : <IncidentView key={id} id={id} />;
}
