import { openHouse, type House } from '@fovea/cli'
import { mkdirSync } from 'node:fs'
import { chromium, type Browser, type BrowserContextOptions, type Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, expect } from 'vitest'
import { FLAGS } from './chromium-flags.ts'
import { SeeingBackend } from './seeing-backend.ts'

/** Pictures of the page land here when a folder is named: `FOVEA_SHOTS=shots npm run test:browser`. */
const SHOTS = process.env.FOVEA_SHOTS

export const WAIT = { timeout: 15_000, interval: 100 }
export const DESKTOP: BrowserContextOptions = { viewport: { width: 1360, height: 820 }, colorScheme: 'light' }
export const PHONE: BrowserContextOptions = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true, colorScheme: 'dark', deviceScaleFactor: 2 }

/** The page in a real browser, a fake camera in front of it, the edge in workerd behind it, and a backend whose scene is known. */
export class Studio {
  readonly house: House
  readonly backend: SeeingBackend
  readonly #browser: Browser
  #page: Page | undefined
  #troubles: string[] = []

  private constructor(house: House, backend: SeeingBackend, browser: Browser) {
    this.house = house
    this.backend = backend
    this.#browser = browser
  }

  static async start(): Promise<Studio> {
    const house = await openHouse({ inference: 'none' })
    const backend = await SeeingBackend.join(house)
    return new Studio(house, backend, await chromium.launch({ executablePath: process.env.FOVEA_CHROMIUM ?? '/usr/bin/chromium', args: FLAGS }))
  }

  async end(): Promise<void> {
    await this.#browser.close()
    this.backend.leave()
    await this.house.close()
  }

  get page(): Page {
    if (!this.#page) throw new Error('No page is open.')
    return this.#page
  }

  async open(options: BrowserContextOptions): Promise<void> {
    await this.close()
    this.#page = await this.#browser.newPage(options)
    this.#page.on('pageerror', (error) => this.#troubles.push(error.message))
    this.#page.on('console', (message) => {
      // A socket that is cut off on purpose is reported by the browser itself.
      if (message.type() === 'error' && !/ERR_CONNECTION|ERR_EMPTY_RESPONSE|WebSocket connection/.test(message.text())) this.#troubles.push(message.text())
    })
  }

  /** Closes the page; says what went wrong unseen in it. */
  async close(): Promise<string[]> {
    await this.#page?.context().close()
    this.#page = undefined
    return this.#troubles.splice(0)
  }

  async openCamera(url = this.house.url): Promise<void> {
    const before = this.backend.frames.length
    await this.page.goto(url)
    await this.page.getByText('Ready', { exact: true }).waitFor()
    await this.page.getByRole('button', { name: /^Camera/ }).click()
    await this.page.getByText('Live', { exact: true }).waitFor()
    await this.seenSince(before)
  }

  /** The backend has seen half a second of pictures: asked before that, it answers that there is nothing to see. */
  async seenSince(before: number): Promise<void> {
    await expect.poll(() => (this.backend.frames.length > before + 2 ? (this.backend.frames.at(-1)?.mediaTime ?? 0) : 0), WAIT).toBeGreaterThan(500)
  }

  async watch(query: string): Promise<void> {
    await this.page.fill('#watch-query', query)
    await this.page.getByRole('button', { name: 'Watch', exact: true }).click()
  }

  async ask(text: string): Promise<void> {
    await this.page.fill('#question', text)
    await this.page.press('#question', 'Enter')
  }

  /** How many pixels of a canvas are not empty. */
  paintedPixels(selector: string): Promise<number> {
    return this.page
      .locator(selector)
      .first()
      .evaluate((canvas) => {
        if (!(canvas instanceof HTMLCanvasElement)) throw new Error('Not a canvas.')
        const context = canvas.getContext('2d')
        if (!context || canvas.width === 0) return 0
        const { data } = context.getImageData(0, 0, canvas.width, canvas.height)
        let painted = 0
        for (let index = 3; index < data.length; index += 4) if ((data[index] ?? 0) > 0) painted++
        return painted
      })
  }

  async shot(name: string): Promise<void> {
    if (!SHOTS) return
    mkdirSync(SHOTS, { recursive: true })
    await this.page.waitForTimeout(400)
    await this.page.screenshot({ path: `${SHOTS}/${name}.png` })
  }
}

/** One house and browser for a file of tests, a page for each. */
export function studio(): () => Studio {
  let on: Studio
  beforeAll(async () => {
    on = await Studio.start()
  })
  afterAll(() => on?.end())
  beforeEach(() => on.open(DESKTOP))
  afterEach(async ({ task }) => {
    if (task.result?.state === 'fail') await on.shot(`failed-${task.name.replaceAll(/\W+/g, '-')}`)
    expect(await on.close(), 'nothing went wrong unseen in the page').toEqual([])
  })
  return () => on
}
