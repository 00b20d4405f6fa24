// The family of the operating system.

// The first that fits: Android and ChromeOS also say that they are Linux, iPhones that they are
// like a Mac.
const families: [pattern: RegExp, name: string][] = [
  [/android/i, "android"], [/cros|chrome os/i, "chromeos"], [/ip(hone|ad|od)/i, "ios"], [/win/i, "windows"], [/mac/i, "darwin"], [/linux/i, "linux"],
];

/** os is the family in Go's words, "" when it is none of them. */
export function os(): string {
  const { userAgentData, platform, userAgent, maxTouchPoints } = navigator as Navigator & { userAgentData?: { platform?: string } };
  const told = [userAgentData?.platform, platform, userAgent].join(" ");
  const name = families.find(([pattern]) => pattern.test(told))?.[1] ?? "";
  return name === "darwin" && maxTouchPoints > 1 ? "ios" : name; // an iPad says that it is a Mac
}
