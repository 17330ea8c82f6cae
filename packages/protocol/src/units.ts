import { z } from 'zod'

/** 0–1: scores and normalised coordinates. */
export const Unit = z.number().min(0).max(1)
/** Media time: milliseconds from the first frame of the stream. */
export const MediaTime = z.number().min(0)
/** Wall time: Unix milliseconds by the edge's clock. Clocks of two machines are never compared. */
export const WallTime = z.number().min(0)
/** A length of time in milliseconds. */
export const Duration = z.number().min(0)
/** Stream number, chosen by the client, unique in the session. */
export const StreamNumber = z.int().min(0).max(0xffff)
/** Frame number: from 1, consecutive per stream, given at send [FR1]. */
export const FrameNumber = z.int().min(1).max(0xffff_ffff)
/** Per-session number of a durable event [EV1]. */
export const Seq = z.int().min(0)
/** A client-chosen id: an ask, watch, track, turn or run. ULIDs are recommended. */
export const ClientId = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, 'an id of 1–64 letters, digits, "_" or "-"')
export const SessionId = z.string().regex(/^s_[0-9a-z]{16,40}$/, 'a session id such as s_01j…')
export const EvidenceId = z.string().regex(/^ev_[0-9A-Za-z]{10,40}$/, 'an evidence id such as ev_01J…')
/** The words of an ask, a query or a turn. */
export const Words = z.string().trim().min(1).max(4000)
