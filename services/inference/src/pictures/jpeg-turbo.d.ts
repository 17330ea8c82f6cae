// The optional package is left out by npm where Node is older than it asks for: the part of it that is used is declared here, so that types hold without it.
declare module '@julusian/jpeg-turbo' {
  const turbo: {
    readonly FORMAT_RGB: number
    /** Decodes `jpeg` into `into`, width × height × 3 bytes. */
    decompressSync(jpeg: Uint8Array, into: Uint8Array, options: { format: number }): { width: number; height: number }
  }
  export default turbo
}
