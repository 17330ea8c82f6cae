import { inspectPublished } from './model/published/inspect-published.ts'

/** `node published-part.ts FOLDER`: the mask head that published files in a folder make, as one line of JSON. Started by `npx fovea model import sam-onnx`, `compose` and `inspect`. */
const [folder] = process.argv.slice(2)
if (!folder) {
  process.stderr.write('A folder is needed: the one that holds the ONNX files.\n')
  process.exit(2)
}
try {
  process.stdout.write(`${JSON.stringify(await inspectPublished(folder))}\n`)
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exit(1)
}
