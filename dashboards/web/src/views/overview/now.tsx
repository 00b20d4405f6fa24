import type { Curve as CurveData, Incident } from "../../api.gen.ts";
import { Curve } from "../../curve/curve.tsx";
import { share } from "../../format.ts";
import { useSection } from "../../live/store.ts";
import { outcomeWords } from "../../outcomes.ts";
import { Long } from "../../ui/long.tsx";
import { Panel } from "../../ui/parts.tsx";

/** How what the headline is about fares: its curve, and what else is known of it. */
export function Now() {
  const judged = useSection("now");
  const curve = useSection("curve");
  const incidents = useSection("incidents");
  if (judged === undefined || curve === undefined) return null;
  const incident = incidents?.find((i) => i.id === judged.incident);
  return (
    <Panel id="now" title={curve.onset === undefined ? "Failures of all requests" : "Failures since the onset"} note={<Long text={aboutWhat(curve)} />}>
      <div class="now">
        <Curve curve={curve} label={`Part of the requests that failed; ${ratioWords(curve)}`} />
        <ul class="facts">
          {curve.trend !== undefined && <li>{ratioWords(curve)}</li>}
          {incident !== undefined && <What incident={incident} />}
          {judged.why.map((line) => (
            <li key={line}>
              <Long text={line} />
            </li>
          ))}
        </ul>
      </div>
    </Panel>
  );
}

function aboutWhat(curve: CurveData): string {
  return curve.target.replace(/^collector:/, "deliveries to collector ");
}

/** "95 % of the latest requests fail, normally 0.1 %". */
function ratioWords(curve: CurveData): string {
  return `${share(curve.ratio, 1)} of the latest requests fail, normally ${share(curve.normal, 1)}`;
}

/** How it fails, and where there is more. */
function What({ incident }: { incident: Incident }) {
  return (
    <li>
      <code>{incident.outcome}</code>: {outcomeWords(incident.outcome)}
    </li>
  );
}
