import { expect, test } from 'vitest'
import { PHONE, studio, WAIT } from './studio-page.ts'
import { Wire } from './wire.ts'

// What the page does while something behind it is away.

const the = studio()

test('a question asked while the connection is away stands at once and waits for it', async () => {
  const wire = await Wire.to(Number(new URL(the().house.url).port))
  await the().openCamera(wire.url)
  wire.cut()
  await the().page.getByText('Reconnecting').waitFor()
  await the().ask('what happens?')
  const card = the().page.locator('.answer', { hasText: 'what happens?' })
  await card.getByText('waits for the connection').waitFor()
  await the().shot('waits')
  wire.mend()
  await card.locator('.answer-end').waitFor({ timeout: 20_000 })
  expect(await the().page.locator('.answer').count()).toBe(1)
  expect(await card.locator('.answer-waits').count()).toBe(0)
  await the().page.goto('about:blank')
  await wire.close()
})

test('a question that waits can be taken back: it stands in the box again, and nothing is made of it', async () => {
  const wire = await Wire.to(Number(new URL(the().house.url).port))
  await the().openCamera(wire.url)
  wire.cut()
  await the().page.getByText('Reconnecting').waitFor()
  await the().ask('what happens?')
  await the().page.getByRole('button', { name: 'Stop' }).click()
  await expect.poll(() => the().page.locator('.answer').count(), WAIT).toBe(0)
  expect(await the().page.inputValue('#question')).toBe('what happens?')
  expect(await the().page.locator('.notice').count()).toBe(0)
  await the().page.goto('about:blank')
  await wire.close()
})

test('a watch that went with its backend goes on with the next, under its own row and with a quiet note', async () => {
  await the().openCamera()
  await the().watch('the round one')
  const row = the().page.getByRole('listitem').filter({ hasText: 'the round one' })
  await row.filter({ hasText: '0.92' }).waitFor()
  the().backend.drop()
  await the().page.locator('.notice[role=status]', { hasText: '“the round one” is watched for again' }).waitFor()
  await the().shot('watched-again')
  await row.filter({ hasText: '0.92' }).waitFor()
  await expect.poll(() => the().paintedPixels('#overlay'), WAIT).toBeGreaterThan(200)
  expect(await the().page.locator('.lane').count()).toBe(1)
  expect(await the().page.locator('.notice[role=alert]').count()).toBe(0)
  // Its end is told again after a reload: that is no news, and it waits once, not twice.
  await the().page.reload()
  await the().page.getByRole('listitem').filter({ hasText: 'waits for a picture' }).waitFor()
  expect(await the().page.locator('.lane').count()).toBe(1)
  expect(await the().page.locator('.notice').count()).toBe(0)
})

test('what went wrong is said in a row of its own, over nothing, and goes', async () => {
  await the().open(PHONE)
  await the().page.addInitScript(() => {
    navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('no', 'NotAllowedError'))
  })
  await the().page.goto(the().house.url)
  await the().page.getByText('Ready', { exact: true }).waitFor()
  await the()
    .page.getByRole('button', { name: /^Camera/ })
    .tap()
  const notice = the().page.locator('.notice', { hasText: 'The camera did not open' })
  await notice.waitFor()
  await the().shot('notice')
  const covered = await notice.evaluate((one) => {
    const { top, bottom } = one.getBoundingClientRect()
    return [...document.querySelectorAll('header, main')].some(
      (other) => other.getBoundingClientRect().top < bottom && other.getBoundingClientRect().bottom > top,
    )
  })
  expect(covered).toBe(false)
  await notice.getByRole('button', { name: 'Dismiss' }).tap()
  await expect.poll(() => notice.count(), WAIT).toBe(0)
  await the()
    .page.getByRole('button', { name: /^Camera/ })
    .tap()
  await notice.waitFor()
  await notice.waitFor({ state: 'detached', timeout: 20_000 })
})
