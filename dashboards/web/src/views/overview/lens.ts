// Enlarged cells, of which a part is seen: pan by dragging, zoom about the pointer.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { DataCentre } from "../../api.gen.ts";
import { mapAddress, showMap } from "../../map/address.ts";
import { cellOf, serverNear } from "../../map/cursor.ts";
import { enlarged, largestPitch, layout, type Layout } from "../../map/layout.ts";
import type { Area } from "../../map/pixels.ts";
import { spaceOf, type Look } from "./look.ts";

/** Where the cell of a server is on the canvas; in device pixels. */
interface Anchor {
  pitch: number;
  server: number;
  x: number;
  y: number;
}

export interface Lens {
  plan: Layout;
  /** The part of the plan that is seen. */
  view: Area;
  magnified: boolean;
  canGrow: boolean;
  /** Makes cells larger or smaller by a factor; what is at a point of the canvas stays there. */
  zoomAt: (x: number, y: number, factor: number) => void;
  /** Moves what is seen. */
  pan: (dx: number, dy: number) => void;
  /** Has the cell of a server seen. */
  reveal: (server: number) => void;
}

/** Panning and zooming are over when nothing has moved for so long; then the address says where. */
const settleMS = 250;

export function useLens(shown: DataCentre[], look: Look): Lens | undefined {
  const { order, cell, near } = mapAddress.value;
  const [anchor, setAnchor] = useState<Anchor | undefined>(undefined);
  const space = { ...spaceOf(look), order };
  const fit = useMemo(() => (look.width === 0 ? undefined : layout(shown, space)), [shown, look, order]);
  const largest = Math.round(largestPitch * look.scale);
  const pitch = fit === undefined ? 0 : Math.max(fit.pitch, Math.min(largest, anchor?.pitch ?? 0));
  const plan = useMemo(() => (fit === undefined || pitch <= fit.pitch ? fit : enlarged(shown, fit, space, pitch)), [fit, pitch]);

  const written = useRef("");
  useEffect(() => {
    const asked = `${cell} ${near} ${look.density}`; // on another screen, cells have other pixels
    if (look.width === 0 || written.current === asked) return;
    written.current = asked;
    const pitch = Math.round((cell ?? 0) * look.density);
    const middle = { x: (space.width - pitch) / 2, y: ((fit?.height ?? 0) - pitch) / 2 };
    setAnchor(cell === undefined ? undefined : { pitch, server: near ?? shown[0]?.first ?? 0, ...middle });
  }, [cell, near, look.width, look.density]);

  const magnified = plan !== fit;
  useEffect(() => {
    if (plan === undefined || anchor === undefined) return;
    const timer = setTimeout(() => {
      const middle = magnified ? serverNear(plan, view.x + view.width / 2, view.y + view.height / 2) : undefined;
      const size = magnified ? Math.round((pitch / look.density) * 100) / 100 : undefined;
      written.current = `${size} ${middle} ${look.density}`;
      showMap({ cell: size, near: middle });
      if (!magnified) setAnchor(undefined);
    }, settleMS);
    return () => clearTimeout(timer);
  }, [plan, anchor]);

  if (plan === undefined || fit === undefined) return undefined;
  const seen = { width: space.width, height: fit.height };
  const view: Area = { ...cornerOf(plan, magnified ? anchor : undefined, seen), ...seen };
  /** Keeps a server at a place, after what is seen has come to the plan's edge, too. */
  const keep = (server: number, pitch: number, x: number, y: number) => setAnchor({ pitch, server, x, y });
  const zoomAt = (x: number, y: number, factor: number) => {
    const grown = Math.round(pitch * factor);
    const next = Math.max(fit.pitch, Math.min(largest, grown === pitch ? pitch + (factor > 1 ? 1 : -1) : grown));
    const server = serverNear(plan, view.x + x, view.y + y);
    const at = cellOf(plan, server);
    if (at === undefined || next === pitch) return;
    const stretch = next / pitch;
    keep(server, next, x + (at.x - view.x - x) * stretch, y + (at.y - view.y - y) * stretch);
  };
  const pan = (dx: number, dy: number) => {
    const at = anchor && cellOf(plan, anchor.server);
    if (magnified && at !== undefined) keep(anchor!.server, pitch, at.x - view.x + dx, at.y - view.y + dy);
  };
  const reveal = (server: number) => {
    const at = cellOf(plan, server);
    if (!magnified || at === undefined) return;
    const inside = at.x >= view.x && at.y >= view.y && at.x + pitch <= view.x + view.width && at.y + pitch <= view.y + view.height;
    if (!inside) keep(server, pitch, view.width / 2, view.height / 2);
  };
  return { plan, view, magnified, canGrow: pitch < largest, zoomAt, pan, reveal };
}

/** The corner of what is seen, within the plan. */
function cornerOf(plan: Layout, anchor: Anchor | undefined, seen: { width: number; height: number }): { x: number; y: number } {
  const at = anchor && cellOf(plan, anchor.server);
  if (anchor === undefined || at === undefined) return { x: 0, y: 0 };
  const within = (corner: number, most: number) => Math.round(Math.max(0, Math.min(corner, most)));
  return { x: within(at.x - anchor.x, plan.width - seen.width), y: within(at.y - anchor.y, plan.height - seen.height) };
}
