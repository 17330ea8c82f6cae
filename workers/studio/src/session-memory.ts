const KEY = 'fovea-session'

export type Remembered = { session: string; resumeKey: string }

/** The session of this tab: a reload comes back to it, a new tab begins a new one. */
export function remembered(storage: Pick<Storage, 'getItem'> = sessionStorage): Remembered | undefined {
  const text = storage.getItem(KEY)
  if (text === null) return undefined
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value !== 'object' || value === null) return undefined
    const { session, resumeKey } = value as Partial<Record<keyof Remembered, unknown>>
    return typeof session === 'string' && typeof resumeKey === 'string' ? { session, resumeKey } : undefined
  } catch {
    return undefined
  }
}

export function remember({ session, resumeKey }: Remembered, storage: Pick<Storage, 'setItem'> = sessionStorage): void {
  storage.setItem(KEY, JSON.stringify({ session, resumeKey }))
}

export function forget(storage: Pick<Storage, 'removeItem'> = sessionStorage): void {
  storage.removeItem(KEY)
}
