/// <reference types="@cloudflare/vitest-plugin/types" />
import type { D1Migration } from '@cloudflare/vitest-plugin'
import type { Bindings } from '../src/bindings.ts'
import type edge from '../src/index.ts'

declare global {
  namespace Cloudflare {
    interface Env extends Bindings {
      MIGRATIONS: D1Migration[]
    }
    interface GlobalProps {
      mainModule: { default: typeof edge }
    }
  }
}
