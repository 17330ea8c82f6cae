/** A bundle that cannot be served: which file, what was expected, what came. */
export class BundleError extends Error {
  readonly file: string

  constructor(file: string, problem: string, cause?: unknown) {
    super(`${file}: ${problem}`, cause === undefined ? undefined : { cause })
    this.name = 'BundleError'
    this.file = file
  }
}
