import { existsSync } from 'node:fs'
import { inRepository } from '../../packages/cli/src/repository.ts'

const NANO = inRepository('packages/model-nano')

/** The bundle of system tests: the embedded model, or the toy of the inference tests where that has not been built. */
export const TEST_BUNDLE = existsSync(`${NANO}/manifest.json`) ? NANO : inRepository('services/inference/test/fixtures/toy')
