import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import { bundleStudio } from '../../packages/cli/src/bundle-studio.ts'

// What `wrangler deploy` uploads as assets: the page, and the samples beside it. A house builds the same for itself.
const dist = join(import.meta.dirname, 'dist')
await bundleStudio(dist, import.meta.dirname)
await cp(join(import.meta.dirname, '../../samples'), join(dist, 'samples'), { recursive: true })
console.log('workers/studio/dist is built.')
