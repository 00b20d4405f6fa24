import assert from "node:assert/strict";
import { test } from "node:test";
import { os } from "../src/os.ts";

test("the system's family, in Go's words", () => {
  const cases: [object, string][] = [
    [{ userAgentData: { platform: "Windows" }, platform: "Win32" }, "windows"],
    [{ userAgentData: { platform: "macOS" } }, "darwin"],
    [{ userAgentData: { platform: "Android" }, platform: "Linux armv81" }, "android"],
    [{ userAgentData: { platform: "Chrome OS" } }, "chromeos"],
    [{ platform: "Linux x86_64", userAgent: "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Firefox/128.0" }, "linux"],
    [{ platform: "Linux armv8l", userAgent: "Mozilla/5.0 (Android 14; Mobile; rv:128.0) Firefox/128.0" }, "android"],
    [{ platform: "MacIntel", userAgent: "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)", maxTouchPoints: 0 }, "darwin"],
    [{ platform: "MacIntel", userAgent: "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)", maxTouchPoints: 5 }, "ios"],
    [{ platform: "iPhone", userAgent: "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X)" }, "ios"],
    [{ platform: "FreeBSD amd64" }, ""],
    [{}, ""],
  ];
  for (const [navigator, want] of cases) {
    Object.defineProperty(globalThis, "navigator", { value: navigator, configurable: true });
    assert.equal(os(), want, JSON.stringify(navigator));
  }
});
