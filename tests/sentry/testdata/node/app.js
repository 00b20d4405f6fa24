// An application that reports to Sentry, told by its first argument where that is. Everything that
// a test must not find behind it is marked with SECRET.
import * as Sentry from "@sentry/node";

Sentry.init({
  dsn: process.argv[2],
  release: "shop@1.2.3",
  environment: "SECRET",
  tracesSampleRate: 1,
  sendDefaultPii: true,
});
Sentry.setUser({ id: "SECRET", email: "anna.SECRET@example.com", ip_address: "203.0.113.9" });
Sentry.setTag("tag", "SECRET");
Sentry.setExtra("extra", "SECRET");
Sentry.addBreadcrumb({ message: "SECRET" });

function pay() {
  throw new TypeError("card 4111111111111111 of anna.SECRET@example.com refused");
}

// The answer to this asks for no spans and no sessions; an error sends its session at once.
Sentry.startSpan({ name: "SECRET" }, () => {});
if (!(await Sentry.flush(30_000))) process.exitCode = 1;

Sentry.startSpan({ name: "SECRET" }, () => {
  try {
    pay();
  } catch (e) {
    console.log(Sentry.captureException(e));
  }
});
Sentry.captureMessage("SECRET", "info");
if (!(await Sentry.close(30_000))) process.exitCode = 1;
