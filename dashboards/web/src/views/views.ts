// The views of the page, in the order of their links. A view is a folder, and a line here.
import type { ComponentType } from "preact";
import { Explore } from "./explore/view.tsx";
import { Incidents } from "./incidents/view.tsx";
import { Overview } from "./overview/view.tsx";

export interface View {
  /** What follows "#/" in the page's address. */
  path: string;
  title: string;
  View: ComponentType;
}

export const views: [View, ...View[]] = [
  { path: "", title: "Now", View: Overview },
  { path: "incidents", title: "Incidents", View: Incidents },
  { path: "explore", title: "Explore", View: Explore },
];
