import fc from 'fast-check'
import { expect, test } from 'vitest'
import { encodePicture, readPicture } from './picture.ts'

test('[WI4] a picture carries its frame and the request it answers', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 0xffff_ffff }),
      fc.integer({ min: 0, max: 0xffff }),
      fc.stringMatching(/^[A-Za-z0-9_-]{1,64}$/),
      fc.uint8Array({ maxLength: 80 }),
      (frame, stream, request, picture) => {
        expect(readPicture(encodePicture({ frame, stream, request }, picture).buffer)).toEqual({ frame, stream, request, picture })
      },
    ),
  )
})

test('[WI4] bytes that are no picture are a problem, never an exception', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (noise) => {
      expect(readPicture(noise.slice().buffer)).toBeDefined()
    }),
  )
  const short = encodePicture({ frame: 1, stream: 0, request: 'abcdef' }, new Uint8Array()).slice(0, 18)
  expect(readPicture(short.buffer)).toEqual({ problem: 'The request id of this picture runs past its end.' })
})
