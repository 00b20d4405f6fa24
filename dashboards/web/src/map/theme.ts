// The colours of the map, as the page has them and as pixels.
import type { Mark } from "./states.ts";

export interface Theme {
  up: string;
  down: string;
  unknown: string;
  background: string;
  border: string;
  text: string;
  muted: string;
  font: string;
}

/** The colours of the page, which follow the reader's preference for dark or light. */
export function themeOf(element: Element): Theme {
  const style = getComputedStyle(element);
  const value = (name: string) => style.getPropertyValue(name).trim();
  return {
    up: value("--up"),
    down: value("--down"),
    unknown: value("--unknown"),
    background: value("--bg"),
    border: value("--line"),
    text: value("--text"),
    muted: value("--muted"),
    font: style.fontFamily,
  };
}

/** How the cells of a mark are filled: a colour, or stripes of it on another. */
export interface Fill {
  /** Pixels of an image, read as 32 bits. */
  colour: number;
  stripes?: number;
}

/** How much of the colour of what is up is left where a difference is shown. */
const pale = 0.3;

/** The fills of all marks; in a difference what stayed up is pale. */
export function fillsOf(theme: Theme, difference: boolean): Record<Mark, Fill> {
  const [up, down, ground] = [pixelOf(theme.up), pixelOf(theme.down), pixelOf(theme.background)];
  return {
    up: { colour: difference ? mixed(up, ground, pale) : up },
    down: { colour: down },
    unknown: { colour: pixelOf(theme.border), stripes: pixelOf(theme.unknown) },
    failed: { colour: down },
    recovered: { colour: up },
    "still down": { colour: mixed(down, ground, pale), stripes: down },
  };
}

/** A colour "#rrggbb" as a pixel. */
export function pixelOf(colour: string): number {
  const rgb = parseInt(colour.slice(1), 16);
  return pixel(rgb >> 16, (rgb >> 8) & 0xff, rgb & 0xff);
}

function mixed(a: number, b: number, part: number): number {
  const channel = (shift: number) => Math.round(((a >>> shift) & 0xff) * part + ((b >>> shift) & 0xff) * (1 - part));
  return (0xff000000 | (channel(16) << 16) | (channel(8) << 8) | channel(0)) >>> 0;
}

/**
 * Images have red in the first byte; all machines that browsers run on have the lowest byte first.
 */
function pixel(r: number, g: number, b: number): number {
  return (0xff000000 | (b << 16) | (g << 8) | r) >>> 0;
}
