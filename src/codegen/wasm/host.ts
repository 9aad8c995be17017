/** WebAssembly as the engine uses it: neither ES2023's types nor Node's have it. */

export interface WasmHost {
  readonly Memory: new (limits: { readonly initial: number }) => { readonly buffer: ArrayBuffer };
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (
    module: object,
    imports: Readonly<Record<string, Readonly<Record<string, unknown>>>>,
  ) => { readonly exports: Readonly<Record<string, unknown>> };
}

export const wasmHost = (globalThis as unknown as { readonly WebAssembly: WasmHost }).WebAssembly;
