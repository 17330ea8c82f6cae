import { ProtocolError, type Box } from '@fovea/protocol'
import type { Window } from '../heads/head.ts'
import type { Step } from '../model/vision-model.ts'
import type { Job } from './fair-queue.ts'

/** What a talk wants next of its slot: ids to feed, perhaps from an earlier position on; another prompt in place of the first; or nothing more. */
export type Wish = { feed: readonly number[]; rewindTo?: number } | Opening | 'end'
export type Opening = { window: Window; text: string; boxes?: readonly Box[] }

/** What a talk wanted to say does not fit into its slot any more. */
export class SlotFull extends ProtocolError {
  constructor(needed: number, room: number) {
    super('too-large', `The words take ${needed} more positions of the model; ${room} are left. Use fewer words.`)
  }
}

/** Something that speaks with the language model through one slot: an ask, or the compilation of a standing query. */
export interface Talk extends Job {
  /** true once nobody waits for it any more; it is dropped at the next step [AS4] */
  readonly over: boolean
  /** The pictures and the words of the prompt. Called once, when a slot is free. */
  open(): Promise<Opening>
  /** After the prompt and after each feed. `length` is how much of the slot is filled. */
  hear(step: Step, length: number): Promise<Wish>
  /** Milliseconds of the device that went to it: of a run with others its share. */
  took?(ms: number): void
  /** It could not start in time, or something broke. */
  fail(error: unknown): void
  /** The slot is given back; nothing more comes. */
  closed?(): void
}
