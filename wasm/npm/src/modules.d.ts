// The glue that comes with the Go toolchain; build.mjs takes it from there.
declare module "go:wasm_exec";

/** What build.mjs makes of the package's version and the worker's script. */
declare const RELEASE: string;
