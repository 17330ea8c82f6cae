import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { readOnnxFile } from './onnx-file.ts'

const fixtures = join(import.meta.dirname, '../../test/fixtures')

test('a file tells its ports with their dimensions, whether it attends, and which files hold its weights', () => {
  const { external, inputs, outputs, attends } = readOnnxFile(join(fixtures, 'sam/mask-attend.onnx'))
  expect([external, attends]).toEqual([[], true])
  expect(inputs.get('memory')).toEqual(['Q', 'M', 32, 8])
  expect(outputs.get('attended')).toEqual(['Q', 32, 8, 8])
  expect(readOnnxFile(join(fixtures, 'llava-tiny/decoder.onnx')).external).toEqual(['decoder.onnx.data'])
  expect(readOnnxFile(join(fixtures, 'sam/mask-encode.onnx')).attends).toBe(false)
})

test('what is no ONNX file is said to be none', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'fovea-onnx-'))
  for (const text of ['', 'version https://git-lfs.github.com/spec/v1', '\n\x7fcut short']) {
    await writeFile(join(folder, 'x.onnx'), text)
    expect(() => readOnnxFile(join(folder, 'x.onnx'))).toThrow(/x\.onnx is no ONNX file that can be read: /)
  }
  await rm(folder, { recursive: true })
})
