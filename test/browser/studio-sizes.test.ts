import { expect, test } from 'vitest'
import { DESKTOP, PHONE, studio, WAIT } from './studio-page.ts'

// The page at every size: what is used can be reached, and nothing lies over anything.

const the = studio()
const WINDOWS = {
  desktop: [1280, 800],
  phone: [390, 844],
  'phone on its side': [844, 390],
  'large phone on its side': [932, 430],
  'small phone': [320, 568],
} as const

test.each(Object.entries(WINDOWS))('on a %s nothing is cut off and nothing overlaps', async (name, [width, height]) => {
  await the().open(name === 'desktop' ? DESKTOP : { ...PHONE, viewport: { width, height } })
  await the().page.setViewportSize({ width, height })
  await the().openCamera()
  await the().ask('what happens?')
  await the().page.locator('.answer-end').waitFor()
  await the().shot(`size-${name.replaceAll(' ', '-')}`)
  expect(await misplaced()).toEqual([])
  const timeline = the().page.getByRole('tab', { name: /Timeline/ })
  if (await timeline.isVisible()) await timeline.click()
  await the().watch('the round one')
  await the().page.locator('.lane', { hasText: 'the round one' }).waitFor()
  expect(await misplaced()).toEqual([])
})

test('on a phone on its side the picture has the full height, and answers have room beside it', async () => {
  await the().open({ ...PHONE, viewport: { width: 844, height: 390 } })
  await the().openCamera()
  const [stage, answers, button] = await Promise.all(['#stage', '#answers', '#ask-button'].map((part) => the().page.locator(part).boundingBox()))
  expect(stage?.height).toBeGreaterThan(320)
  expect(answers?.height).toBeGreaterThan(120)
  expect(answers?.x).toBeGreaterThanOrEqual((stage?.x ?? 0) + (stage?.width ?? 0))
  expect((button?.y ?? 0) + (button?.height ?? 0)).toBeLessThanOrEqual(390)
})

test.each([
  ['phone', 390, 844],
  ['small phone', 320, 568],
  ['phone on its side', 844, 390],
])('on a %s samples are in view at once, and a row that has more of them fades', async (_, width, height) => {
  await the().open({ ...PHONE, viewport: { width, height } })
  await the().page.goto(the().house.url)
  const [sample, stage] = await Promise.all([the().page.locator('.sample').first().boundingBox(), the().page.locator('#stage').boundingBox()])
  expect((sample?.y ?? Infinity) + 100).toBeLessThanOrEqual((stage?.y ?? 0) + (stage?.height ?? 0))
  await expect.poll(() => the().page.locator('.samples').getAttribute('data-more'), WAIT).toMatch(/right/)
})

test('the questions of a sample show where there are more of them', async () => {
  await the().open(PHONE)
  await the().page.goto(the().house.url)
  await the().page.locator('.sample').first().tap()
  const offers = the().page.locator('#offers')
  await expect.poll(() => offers.getAttribute('data-more'), WAIT).toBe('right')
  await offers.locator('.offer').last().focus()
  await expect.poll(() => offers.getAttribute('data-more'), WAIT).toBe('left')
})

test('with the keyboard alone the focus is never lost: choosing a sample, stopping a row, going back to live', async () => {
  await the().page.goto(the().house.url)
  await the().page.getByText('Ready', { exact: true }).waitFor()
  const focused = () => the().page.evaluate(() => document.activeElement?.id || document.activeElement?.className || document.activeElement?.tagName)
  for (let step = 0; step < 20 && (await focused()) !== 'sample'; step++) await the().page.keyboard.press('Tab')
  const before = the().backend.frames.length
  await the().page.keyboard.press('Enter')
  await expect.poll(focused, WAIT).toBe('question')
  await the().seenSince(before)
  await the().page.keyboard.type('what happens?')
  await the().page.keyboard.press('Enter')
  await the().page.locator('.answer-end').waitFor()
  await the().page.locator('#to-live').focus()
  await the().page.keyboard.press('Enter')
  expect(await focused()).toBe('overlay')
  await the().watch('the round one')
  await the().page.getByRole('listitem').filter({ hasText: '0.92' }).waitFor()
  await the().page.getByRole('button', { name: 'Stop waves' }).focus()
  await the().page.keyboard.press('Enter')
  await expect.poll(focused, WAIT).toBe('lane-stop')
})

/** Controls that reach out of the window, or lie over one another, by name. What scrolls in its own list is left out, and what belongs on the picture. */
function misplaced(): Promise<string[]> {
  return the().page.evaluate(() => {
    const controls = [...document.querySelectorAll('button, input, select, textarea, canvas[tabindex], #connection, #meters')].filter(
      (one) => one.checkVisibility() && !one.closest('dialog, .answers, .lanes, .offers, .welcome, .events-list, .visually-hidden') && one.id !== 'to-live',
    )
    const placed = controls.map((one) => ({ name: one.id || one.className, at: one.getBoundingClientRect() }))
    const out = placed
      .filter(({ at }) => at.left < -1 || at.right > innerWidth + 1 || at.top < -1 || at.bottom > innerHeight + 1)
      .map(({ name }) => `${name} is cut off`)
    const over = placed.flatMap((one, index) =>
      placed
        .slice(index + 1)
        .filter(
          ({ at }) =>
            Math.min(at.right, one.at.right) - Math.max(at.left, one.at.left) > 1 && Math.min(at.bottom, one.at.bottom) - Math.max(at.top, one.at.top) > 1,
        )
        .map(({ name }) => `${name} lies over ${one.name}`),
    )
    const wide = document.documentElement.scrollWidth > innerWidth ? ['the page is wider than the window'] : []
    return [...out, ...over, ...wide]
  })
}
