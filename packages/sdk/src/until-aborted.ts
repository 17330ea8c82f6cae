/** What a promise resolves to, or undefined as soon as the signal aborts. Unlike `Promise.race` it leaves nothing behind on a signal that outlives many promises. */
export function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    const stop = () => resolve(undefined)
    if (signal.aborted) stop()
    else signal.addEventListener('abort', stop, { once: true })
    promise.finally(() => signal.removeEventListener('abort', stop)).then(resolve, reject)
  })
}
