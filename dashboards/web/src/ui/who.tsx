import { useEffect, useState } from "preact/hooks";
import type { Me } from "../api.gen.ts";
import { fetchMe, loginWanted, logOut } from "../ask.ts";
import { status, tellLoggedOut } from "../live/store.ts";
import { useAsked } from "./asked.ts";

/** Who looks, for what only operators see; undefined until that is known. */
export function useMe(): Me | undefined {
  return useAsked(fetchMe, [])[0];
}

async function leave(): Promise<void> {
  await logOut().catch(() => undefined);
  tellLoggedOut();
  location.reload();
}

/** Who looks, and the way out; nothing where nobody needs to log in. */
export function Who() {
  const [me, setMe] = useState<Me | undefined>(undefined);
  // A session ends with the server's process: while the connection is lost, each try asks anew.
  const tries = status.value.kind === "lost" ? status.value.retryAt : undefined;
  useEffect(() => {
    if (tries === undefined) void fetchMe().then((found) => found && setMe(found), () => undefined);
    else void loginWanted().then((wanted) => wanted && location.reload());
  }, [tries]);
  if (me === undefined || me.how === "local") return null;
  return (
    <p class="who-am-i muted">
      {me.name}, {me.role}
      {me.how !== "proxy" && (
        <button type="button" onClick={() => void leave()}>
          Log out
        </button>
      )}
    </p>
  );
}
