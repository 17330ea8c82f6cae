import { openHouse, type House } from '@fovea/cli'
import { mkdirSync } from 'node:fs'
import { chromium, type Browser, type Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { SeeingBackend } from './seeing-backend.ts'
import { Wire } from './wire.ts'

// The page in a real browser, a fake camera in front of it, the edge in workerd behind it, and a backend whose scene is known.

const FLAGS = [
  '--headless=new',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-background-networking',
  '--use-fake-device-for-media-stream=fps=12',
  '--use-fake-ui-for-media-stream',
]
/** Pictures of the page land here when a folder is named: `FOVEA_SHOTS=shots npm run test:browser`. */
const SHOTS = process.env.FOVEA_SHOTS

let house: House
let backend: SeeingBackend
let browser: Browser
let page: Page
let troubles: string[]

beforeAll(async () => {
  house = await openHouse({ inference: 'none' })
  backend = await SeeingBackend.join(house)
  browser = await chromium.launch({ executablePath: process.env.FOVEA_CHROMIUM ?? '/usr/bin/chromium', args: FLAGS })
})
afterAll(async () => {
  await browser?.close()
  backend?.leave()
  await house?.close()
})
beforeEach(async () => {
  troubles = []
  page = await browser.newPage({ viewport: { width: 1360, height: 820 }, colorScheme: 'light' })
  listen(page)
})
afterEach(async ({ task }) => {
  if (task.result?.state === 'fail') await shot(`failed-${task.name.replaceAll(/\W+/g, '-')}`)
  await page.context().close()
  expect(troubles, 'nothing went wrong unseen in the page').toEqual([])
})

test('[SE1] the page opens a session with its own cookie and no key', async () => {
  await page.goto(house.url)
  await page.getByText('Ready', { exact: true }).waitFor()
  const cookies = await page.context().cookies()
  expect(cookies).toMatchObject([{ httpOnly: true, sameSite: 'Strict' }])
  expect(await page.content()).not.toContain(house.key)
  await shot('welcome')
})

test('the camera is seen, and its age and rate are shown', async () => {
  await openCamera()
  await expect.poll(() => page.locator('#meter-seen').textContent(), WAIT).toMatch(/fps/)
  expect(await page.locator('#meter-age').textContent()).toMatch(/ms|s/)
})

test('a watch is drawn on the picture where the thing is, and its row fills', async () => {
  await openCamera()
  await watch('the round one')
  await page.getByRole('listitem').filter({ hasText: 'the round one' }).filter({ hasText: '.92' }).waitFor()
  await expect.poll(() => paintedPixels('#overlay'), WAIT).toBeGreaterThan(200)
  await expect.poll(() => paintedPixels('.lane .strip'), WAIT).toBeGreaterThan(50)
  await shot('watch')
  await page.getByRole('button', { name: 'Stop the round one' }).click()
  await page.locator('.lane-because', { hasText: 'stopped by the client' }).waitFor()
  await expect.poll(() => paintedPixels('#overlay'), WAIT).toBe(0)
})

test('[PE2] a watch for what is not there draws nothing', async () => {
  await openCamera()
  await watch('no such thing')
  await page.getByRole('listitem').filter({ hasText: '.04' }).waitFor()
  expect(await paintedPixels('#overlay')).toBe(0)
})

test('[TR2] a click on the picture follows an object', async () => {
  await openCamera()
  const overlay = page.locator('#overlay')
  const box = await overlay.boundingBox()
  if (!box) throw new Error('The overlay has no place on the page.')
  await overlay.click({ position: { x: box.width * 0.74, y: box.height * 0.72 } })
  await page.getByRole('listitem').filter({ hasText: 'Picked point' }).filter({ hasText: '.88' }).waitFor()
  await expect.poll(() => paintedPixels('#overlay'), WAIT).toBeGreaterThan(500)
  await shot('track')
})

test('a drag draws a box to follow', async () => {
  await openCamera()
  const box = await page.locator('#overlay').boundingBox()
  if (!box) throw new Error('The overlay has no place on the page.')
  await page.mouse.move(box.x + box.width * 0.6, box.y + box.height * 0.5)
  await page.mouse.down()
  await page.mouse.move(box.x + box.width * 0.9, box.y + box.height * 0.9, { steps: 4 })
  await page.mouse.up()
  await page.getByRole('listitem').filter({ hasText: 'Drawn box' }).waitFor()
})

test('words light up what they rest on, over the frame it was seen in', async () => {
  await openCamera()
  await watch('the round one')
  await ask('what happens?')
  const word = page.locator('mark', { hasText: 'The round one' })
  await word.waitFor()
  await expect.poll(() => page.locator('.answered').last().textContent(), WAIT).toBe('The round one moves past the square one and waves twice.')
  expect(await page.locator('#still').isVisible()).toBe(false)
  await word.hover()
  await page.locator('#still').waitFor({ state: 'visible' })
  expect(await page.locator('#still-label').textContent()).toMatch(/^0:\d\d\.\d · /)
  await shot('evidence')
  await page.mouse.move(5, 5)
  await page.locator('#still').waitFor({ state: 'hidden' })
  await word.focus()
  await page.keyboard.press('Enter')
  await page.mouse.move(10, 10)
  await page.locator('#still').waitFor({ state: 'visible' })
  await page.keyboard.press('Escape')
  await page.locator('#still').waitFor({ state: 'hidden' })
  await page.locator('.moment-button').first().waitFor()
})

test('[AS5] a question before any picture is answered by its error, in words', async () => {
  await page.goto(house.url)
  await page.getByText('Ready', { exact: true }).waitFor()
  await ask('where is it?')
  await page.locator('.answer-error, .notice').first().waitFor()
  expect(await page.locator('.answer-error, .notice').first().textContent()).toMatch(/frame|stream|picture/i)
})

test('[EV2] a lost socket is said, comes back, and nothing is missing from the log', async () => {
  const wire = await Wire.to(Number(new URL(house.url).port))
  await openCamera(wire.url)
  await watch('the round one')
  await page.getByRole('listitem').filter({ hasText: '.92' }).waitFor()
  wire.cut()
  await page.getByText('Reconnecting').waitFor()
  wire.mend()
  await page.getByText('Live', { exact: true }).waitFor({ timeout: 20_000 })
  await ask('what happens?')
  await page.locator('mark').first().waitFor()
  await page.keyboard.press('Escape')
  await page.keyboard.press('Escape')
  await page.keyboard.press('e')
  const numbers = await page.locator('.event-seq').allTextContents()
  expect(numbers.map(Number)).toEqual(numbers.map((_, index) => index + 1))
  await shot('events')
  await page.goto('about:blank')
  await wire.close()
})

test('[EV1] a reload comes back to the same session and its answers', async () => {
  await openCamera()
  await ask('what happens?')
  await page.locator('mark').first().waitFor()
  await page.reload()
  await expect.poll(() => page.locator('.answered').textContent(), WAIT).toBe('The round one moves past the square one and waves twice.')
})

test('an agent’s turn is told in its own card, with the ask behind it', async () => {
  await openCamera()
  await page.selectOption('#ask-task', 'agent')
  await ask('what happens?')
  const turn = page.locator('.answer').filter({ has: page.locator('.asked-kind', { hasText: 'agent' }) })
  await turn.locator('.answer-end').waitFor()
  expect(await turn.locator('.answered').textContent()).toBe('The round one moves past the square one and waves twice.')
  expect(await turn.locator('.evidence').count()).toBeGreaterThan(0)
  expect(await page.locator('.answer').count()).toBe(2)
  await page.keyboard.press('Escape')
  await page.keyboard.press('Escape')
  await page.keyboard.press('e')
  await page.locator('.events-list', { hasText: 'turn-delta' }).waitFor()
  await shot('turn')
})

test('[EV2] a reload shows what the page before it was watching for, and the next picture is watched for it', async () => {
  await openCamera()
  await watch('the round one')
  await watch('no such thing')
  await page.getByRole('listitem').filter({ hasText: '.92' }).waitFor()
  await page.reload()
  const left = page.getByRole('listitem').filter({ hasText: 'waits for a picture' })
  await left.filter({ hasText: 'the round one' }).waitFor()
  await left.filter({ hasText: 'no such thing' }).waitFor()
  await shot('left-standing')
  await page.getByRole('button', { name: 'Stop no such thing' }).click()
  await expect.poll(() => left.count(), WAIT).toBe(1)
  await page.getByRole('button', { name: /^Camera/ }).click()
  await page.getByText('Live', { exact: true }).waitFor()
  await page.getByRole('listitem').filter({ hasText: 'the round one' }).filter({ hasText: '.92' }).waitFor()
  await expect.poll(() => paintedPixels('#overlay'), WAIT).toBeGreaterThan(200)
  expect(await page.locator('.lane').count()).toBe(1)
  // A session has four streams: a page that left its own open would be refused after so many reloads.
  for (let again = 0; again < 4; again++) {
    await page.reload()
    await expect.poll(() => left.count(), WAIT).toBe(1) // the log is read again: for a moment there are those that were stopped later
    await page.getByRole('button', { name: /^Camera/ }).click()
    await page.getByRole('listitem').filter({ hasText: '.92' }).waitFor()
  }
})

test('everything works from the keyboard, and the sheet says how', async () => {
  await openCamera()
  await page.keyboard.press('?')
  await page.getByRole('heading', { name: 'Keyboard' }).waitFor()
  await shot('shortcuts')
  await page.keyboard.press('Escape')
  await page.keyboard.press('w')
  await page.keyboard.type('the round one')
  await page.keyboard.press('Enter')
  await page.getByRole('listitem').filter({ hasText: '.92' }).waitFor()
  await page.keyboard.press('Escape')
  await page.keyboard.press('v')
  await page.keyboard.press('ArrowRight')
  await page.keyboard.press('Enter')
  await page.getByRole('listitem').filter({ hasText: 'Picked point' }).waitFor()
  await page.keyboard.press('Escape')
  await page.keyboard.press('/')
  await page.keyboard.type('what happens?')
  await page.keyboard.press('Enter')
  // While an answer comes, Escape stops it; afterwards it leaves the box.
  await page.locator('.answer-end').waitFor()
  await page.keyboard.press('Escape')
  await page.keyboard.press('t')
  for (let step = 0; step < 6; step++) await page.keyboard.press('Shift+ArrowLeft')
  expect(await page.locator('#ask-at').inputValue()).toBe('range')
})

test('on a phone everything is reachable and nothing overflows', async () => {
  await page.context().close()
  page = await browser.newPage({ viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true, colorScheme: 'dark', deviceScaleFactor: 2 })
  listen(page)
  await openCamera()
  await shot('phone-ask')
  await page.getByRole('tab', { name: /Timeline/ }).tap()
  await watch('the round one')
  await page.getByRole('listitem').filter({ hasText: 'the round one' }).waitFor()
  await page.locator('#overlay').tap({ position: { x: 200, y: 150 } })
  await page.getByRole('listitem').filter({ hasText: 'Picked point' }).waitFor()
  await shot('phone-timeline')
  await page.getByRole('tab', { name: 'Ask' }).tap()
  await ask('what happens?')
  await page.locator('mark').first().waitFor()
  await page.locator('mark').first().tap()
  await page.locator('#still').waitFor({ state: 'visible' })
  await shot('phone-evidence')
  await page.getByRole('tab', { name: /Events/ }).tap()
  await page.locator('.events-list summary').first().waitFor()
  await shot('phone-events')
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390)
})

test('dark, and a sample', async () => {
  await page.goto(house.url)
  await page.getByText('Ready', { exact: true }).waitFor()
  await page.keyboard.press('d')
  expect(await page.evaluate(() => document.documentElement.dataset.theme)).toBe('dark')
  const before = backend.frames.length
  await page.locator('.sample').first().click()
  await page.getByText('Live', { exact: true }).waitFor()
  await seenSince(before)
  await watch('the round one')
  await page.locator('.offer').first().click()
  await page.locator('mark').first().waitFor()
  await expect.poll(() => paintedPixels('#overlay'), WAIT).toBeGreaterThan(200)
  await shot('dark')
})

const WAIT = { timeout: 15_000, interval: 100 }

async function openCamera(url = house.url): Promise<void> {
  const before = backend.frames.length
  await page.goto(url)
  await page.getByText('Ready', { exact: true }).waitFor()
  await page.getByRole('button', { name: /^Camera/ }).click()
  await page.getByText('Live', { exact: true }).waitFor()
  await seenSince(before)
}

/** The backend has seen half a second of pictures: asked before that, it answers that there is nothing to see. */
async function seenSince(before: number): Promise<void> {
  await expect.poll(() => (backend.frames.length > before + 2 ? (backend.frames.at(-1)?.mediaTime ?? 0) : 0), WAIT).toBeGreaterThan(500)
}

async function watch(query: string): Promise<void> {
  await page.fill('#watch-query', query)
  await page.getByRole('button', { name: 'Watch', exact: true }).click()
}

async function ask(text: string): Promise<void> {
  await page.fill('#question', text)
  await page.press('#question', 'Enter')
}

/** How many pixels of a canvas are not empty. */
function paintedPixels(selector: string): Promise<number> {
  return page
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

function listen(one: Page): void {
  one.on('pageerror', (error) => troubles.push(error.message))
  one.on('console', (message) => {
    // A socket that is cut off on purpose is reported by the browser itself.
    if (message.type() === 'error' && !/ERR_CONNECTION|ERR_EMPTY_RESPONSE|WebSocket connection/.test(message.text())) troubles.push(message.text())
  })
}

async function shot(name: string): Promise<void> {
  if (!SHOTS) return
  mkdirSync(SHOTS, { recursive: true })
  await page.waitForTimeout(400)
  await page.screenshot({ path: `${SHOTS}/${name}.png` })
}
