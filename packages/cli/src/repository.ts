import { fileURLToPath } from 'node:url'

/** Folder of the repository that this command runs from. */
export const REPOSITORY = fileURLToPath(new URL('../../../', import.meta.url))

/** A path inside the repository. */
export function inRepository(path: string): string {
  return fileURLToPath(new URL(`../../../${path}`, import.meta.url))
}
