import { limitsOf, POOL_NAME } from '../bindings.ts'
import type { Bindings } from '../bindings.ts'
import { Catalogue } from '../store/catalogue.ts'
import type { SessionRow } from '../store/session-store.ts'
import { chatModelOf } from './chat-model.ts'
import type { SessionOptions } from './session-options.ts'
import { Turns } from './turns.ts'
import { Workflows } from './workflows.ts'

/** What a deployed session has around it: the pool, the catalogue, the chat model of its turns. */
export function surroundings(
  env: Bindings,
  row: SessionRow,
  background: (work: Promise<unknown>) => void,
): Pick<SessionOptions, 'limits' | 'pool' | 'background' | 'runs' | 'usage' | 'ended'> {
  const pool = env.POOL.getByName(POOL_NAME)
  return {
    limits: limitsOf(env),
    pool: { lease: (request) => pool.lease(request), wait: (session) => pool.wait(session), release: (session) => pool.release(session) },
    background,
    runs: [(host) => new Turns(host, chatModelOf(env)), (host) => new Workflows(host)],
    usage: (delta) => background(new Catalogue(env.DB).addUsage(row.tenant, Date.now(), delta)),
    ended: () => background(new Catalogue(env.DB).endSession(row.id, Date.now())),
  }
}
