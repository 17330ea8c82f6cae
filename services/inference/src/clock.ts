/** Milliseconds of a clock that all threads of this process share and that never steps back. */
export const clock = (): number => performance.timeOrigin + performance.now()
