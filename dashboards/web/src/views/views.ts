// The views of the page, in the order of their links. A view is a folder, and a line here. Only the
// first is part of what every reader loads.
import type { ComponentType } from "preact";
import { lazy } from "../ui/lazy.tsx";
import { Overview } from "./overview/view.tsx";

export interface View {
  /** What follows "#/" in the page's address. */
  path: string;
  title: string;
  /** Whether its address has a time. */
  timed?: boolean;
  View: ComponentType;
}

export const views: [View, ...View[]] = [
  { path: "", title: "Now", View: Overview },
  { path: "incidents", title: "Incidents", View: lazy(async () => (await import("./incidents/view.tsx")).Incidents) },
  { path: "reach", title: "Reachability", timed: true, View: lazy(async () => (await import("./reach/view.tsx")).Reach) },
  { path: "vantages", title: "Vantages", View: lazy(async () => (await import("./vantages/view.tsx")).Vantages) },
  { path: "explore", title: "Explore", timed: true, View: lazy(async () => (await import("./explore/view.tsx")).Explore) },
  { path: "settings", title: "Settings", View: lazy(async () => (await import("./settings/view.tsx")).SettingsView) },
];
