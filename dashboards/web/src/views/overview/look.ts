// The room for the map on the page.
import { useEffect, useState } from "preact/hooks";
import type { Space } from "../../map/layout.ts";

/** From so many servers on the map takes the whole width of the page. */
export const manyServers = 5000;

export interface Look {
  /** CSS pixels. */
  width: number;
  maxHeight: number;
  /** Device pixels per CSS pixel. */
  density: number;
  /** Device pixels per pixel of the map's own sizes, which grow with the type of the page. */
  scale: number;
  dark: boolean;
}

export function spaceOf(look: Look): Space {
  return { width: Math.floor(look.width * look.density), maxHeight: Math.floor(look.maxHeight * look.density), scale: look.scale };
}

/** The size of the page's type, in CSS pixels, at which the map's sizes are meant. */
const plainType = 14.5;

/**
 * The room for the map, and what it must be drawn anew for: width, sharpness of the screen,
 * dark or light.
 */
export function useLook(picture: { current: HTMLElement | null }, servers: number): Look {
  const [look, setLook] = useState<Look>({ width: 0, maxHeight: 0, density: 1, scale: 1, dark: false });
  useEffect(() => {
    const parent = picture.current?.parentElement;
    if (!parent) return;
    const dark = matchMedia("(prefers-color-scheme: dark)");
    let sharpness: MediaQueryList | undefined;
    const measure = () => {
      if (sharpness?.matches !== true) {
        // The window is on another screen.
        sharpness?.removeEventListener("change", measure);
        sharpness = matchMedia(`(resolution: ${devicePixelRatio}dppx)`);
        sharpness.addEventListener("change", measure);
      }
      const { width } = parent.getBoundingClientRect();
      const maxHeight = Math.max(260, Math.min(innerHeight * (servers >= manyServers ? 0.85 : 0.62), width * 1.1));
      const density = devicePixelRatio || 1;
      const type = parseFloat(getComputedStyle(document.documentElement).fontSize) || plainType;
      setLook((before) => {
        const after = { width, maxHeight, density, scale: (density * type) / plainType, dark: dark.matches };
        // Scrolling changes the height of the window on phones a little; that is no reason to
        // lay out anew.
        const same = before.width === width && before.scale === after.scale && before.dark === after.dark;
        return same && Math.abs(before.maxHeight - maxHeight) < 80 ? before : after;
      });
    };
    const observer = new ResizeObserver(measure);
    observer.observe(parent);
    dark.addEventListener("change", measure);
    addEventListener("resize", measure); // the height of the window changes nothing else here
    measure();
    return () => {
      observer.disconnect();
      dark.removeEventListener("change", measure);
      sharpness?.removeEventListener("change", measure);
      removeEventListener("resize", measure);
    };
  }, [servers]);
  return look;
}

