import { path } from "../../router.ts";
import { Collected } from "./collected.tsx";
import { Settings } from "./settings.tsx";

/** How everything is set up, and below it what users may ask. */
export function SettingsView() {
  return path.value === "settings/collected" ? <Collected /> : <Settings />;
}
