import type { Role, SessionReady, SessionReset } from '@fovea/protocol'
import type { AskRow, SessionStore } from '../store/session-store.ts'
import type { Session } from './session.ts'
import { describeTurn } from './turns.ts'
import { describeWorkflow } from './workflows.ts'

/** Ended asks and runs that a reset still tells. */
const ENDED = 20

/** The first message on a client's socket [WI5]. */
export function describeReady(session: Session, role: Role): SessionReady {
  const { row } = session
  return {
    type: 'session-ready',
    session: row.id,
    epoch: row.epoch,
    seq: session.log.last,
    role,
    state: session.state,
    ...(row.model && { model: row.model }),
    limits: session.limits,
    streams: session.streams.describe(),
    nextStream: session.streams.next,
  }
}

/** The state as it stands, for a reader to whom the log no longer reaches back [EV2]. */
export function describeReset(session: Session, store: SessionStore): SessionReset {
  const runs = [...store.endedRuns(ENDED), ...store.runningRuns()]
  return {
    type: 'session-reset',
    seq: session.log.last,
    state: {
      state: session.state,
      streams: Array.from(session.streams.open.values(), (stream) => stream.body),
      watches: [...session.standing.watches.values()],
      tracks: [...session.standing.tracks.values()],
      asks: [...store.endedAsks(ENDED), ...store.runningAsks()].map(describeAsk),
      turns: runs.filter(({ kind }) => kind === 'turn').map(describeTurn),
      workflows: runs.filter(({ kind }) => kind === 'workflow').map(describeWorkflow),
    },
  }
}

function describeAsk({ body, text, evidence, outcome }: AskRow) {
  return { ...body, answer: text, evidence, ended: outcome !== null }
}
