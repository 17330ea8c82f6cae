// An agent turn at the edge, and the same tools in a program of your own.
//
//   npx node examples/agent-turn/main.ts
//   CHAT_BASE_URL=http://127.0.0.1:11434/v1 CHAT_MODEL=qwen3 npx node examples/agent-turn/main.ts     (any OpenAI-compatible model)
import assert from 'node:assert/strict'
import { ChatFovea, visionTools } from '@fovea/agent'
import { openHouse } from '@fovea/cli'
import { openSession, video } from '@fovea/sdk/node'
import { startScriptedChat } from './scripted-chat.ts'

await using chat = await startScriptedChat()
const { CHAT_BASE_URL = chat.url, CHAT_MODEL = 'scripted', CHAT_API_KEY = '' } = process.env
await using house = await openHouse({ studio: false, vars: { CHAT_BASE_URL, CHAT_MODEL, CHAT_API_KEY } })
await house.ready
await using session = await openSession(house)
await session.send(await video('samples/lookalikes.webp')).done

// The turn runs inside the session at the edge. It would go on if this program went away.
const turn = session.turn('Where is the scooter?')
for await (const event of turn) {
  if (event.type === 'tool-called') console.log(`→ ${event.tool} ${JSON.stringify(event.input)}`)
  if (event.type === 'tool-returned') console.log(`← ${event.content}`)
  if (event.type === 'turn-delta') process.stdout.write(event.text) // words as they come
}
const { finish, text, evidence, error } = await turn
process.stdout.write('\n')
if (error) throw new Error(`The turn failed: ${error.message} (${error.code})`) // such as a chat model that cannot be reached
assert.equal(finish, 'stop')
assert.ok(text.length > 0)
// Every number in the answer has an evidence behind it, with the frame it was seen in.
for (const id of evidence) assert.equal((await session.recall(id))?.id, id)

// The same tools for an agent of your own: words for the model, evidence for the program.
const [, locate] = visionTools(session)
assert.ok(locate)
const report = await locate.invoke({ type: 'tool_call', id: 'call-1', name: 'locate', args: { query: 'scooter' } })
console.log(report.text)
assert.equal(report.artifact.evidence[0].query, 'scooter')

// The vision model itself as a LangChain chat model.
const reply = await new ChatFovea({ session }).invoke('where is the scooter?')
console.log(reply.text, reply.additional_kwargs.evidence)
assert.equal(reply.response_metadata.finish, 'stop')
console.log('ok')
