// What fingers and the mouse do to the map.
import { useRef } from "preact/hooks";
import type { Lens } from "./lens.ts";

/** Whoever moves less than so many CSS pixels has clicked. */
const clickSlack = 4;

export interface Gestures {
  onPointerDown: (event: PointerEvent) => void;
  onPointerMove: (event: PointerEvent) => void;
  onPointerUp: (event: PointerEvent) => void;
  onPointerCancel: (event: PointerEvent) => void;
  onWheel: (event: WheelEvent) => void;
}

/**
 * Drags, pinches, and the wheel with Ctrl; without it, the wheel scrolls the page. What is none of
 * these goes to point. dragged tells whether the last press moved the map, and was no click.
 */
export function useGestures(lens: Lens | undefined, density: number, point: (event: PointerEvent) => void): { gestures: Gestures; dragged: () => boolean } {
  const pressed = useRef(new Map<number, { x: number; y: number }>());
  const apart = useRef(0); // how far two fingers were, when they last made cells larger or smaller
  const way = useRef(0);
  const moved = useRef(false);

  const move = (event: PointerEvent) => {
    if (event.buttons === 0) release(event); // the button was let go where nobody told it
    const before = pressed.current.get(event.pointerId);
    if (before === undefined || lens === undefined) return point(event);
    const here = { x: event.offsetX, y: event.offsetY };
    const [other] = [...pressed.current].filter(([id]) => id !== event.pointerId).map(([, at]) => at);
    way.current += Math.hypot(here.x - before.x, here.y - before.y);
    if (other === undefined && lens.magnified && way.current <= clickSlack) return point(event); // until it is clear that it is no click
    pressed.current.set(event.pointerId, here);
    if (other !== undefined) {
      apart.current ||= distance(before, other);
      const factor = distance(here, other) / Math.max(1, apart.current);
      if (Math.abs(factor - 1) < 0.1) return; // fingers tremble, and sizes have steps
      apart.current = distance(here, other);
      moved.current = true;
      lens.zoomAt(((here.x + other.x) / 2) * density, ((here.y + other.y) / 2) * density, factor);
    } else if (lens.magnified) {
      moved.current = true;
      (event.currentTarget as Element).setPointerCapture(event.pointerId);
      lens.pan((here.x - before.x) * density, (here.y - before.y) * density);
    } else {
      point(event);
    }
  };
  const release = (event: PointerEvent) => {
    pressed.current.delete(event.pointerId);
    apart.current = 0;
  };
  return {
    gestures: {
      onPointerDown(event) {
        if (event.button !== 0) return;
        if (pressed.current.size === 0) [way.current, moved.current] = [0, false];
        pressed.current.set(event.pointerId, { x: event.offsetX, y: event.offsetY });
        point(event);
      },
      onPointerMove: move,
      onPointerUp: release,
      onPointerCancel: release,
      onWheel(event) {
        if (lens === undefined || !(event.ctrlKey || event.metaKey)) return;
        event.preventDefault();
        lens.zoomAt(event.offsetX * density, event.offsetY * density, Math.exp(-Math.max(-50, Math.min(50, event.deltaY)) / 120));
      },
    },
    dragged: () => moved.current,
  };
}

function distance(a: { x: number; y: number }, b: { x: number; y: number }): number {
  return Math.hypot(a.x - b.x, a.y - b.y);
}
