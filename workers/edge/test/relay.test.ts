import { expect, test } from 'vitest'
import { EdgeClient, startBackend } from './edge-client.ts'

test('[FR1] a frame goes to the backend and its verdict comes back', async () => {
  const backend = await startBackend()
  const { client, session } = await EdgeClient.start()
  client.frame(1)
  const seen = await client.until('frame-seen')
  expect(seen).toMatchObject({ stream: 0, frame: 1, mediaTime: 33 })
  expect(seen.receivedAt).toBeGreaterThan(0)
  expect(backend.sessions.get(session)?.frames).toHaveLength(1)
})
