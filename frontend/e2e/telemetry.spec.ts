import { expect, test } from '@playwright/test'
import { correct, numberOf, pixels, restore, seeded, target } from './support'

/** Delivers more pressure than prescribed from the start of the demonstration. */
const DRIFTING = 'DEV-P003'
/** Of the drifting device, in the light theme (src/lib/palette.ts). */
const LINE = [0xa1, 0x1d, 0x5c] as const
const MARK_ABOVE = [0xc2, 0x54, 0x0a] as const

test.use({ colorScheme: 'light' })

test('telemetry is drawn live, and verdicts follow the prescription', async ({ page, request, context }) => {
  const before = await seeded(request, DRIFTING)
  const id = before.prescriptionId
  const band = target(before, 'Pressure')
  await page.addInitScript((device) => localStorage.setItem('hc.telemetry.focus', JSON.stringify(device)), DRIFTING)
  await page.goto('/telemetry')

  const state = page.getByTestId('simulation-state')
  await expect(state).toHaveText(/Running|Stopped/)
  if ((await state.innerText()) === 'Stopped') await page.getByRole('button', { name: 'Start', exact: true }).click()
  await expect(state).toHaveText('Running')
  await expect(page.getByTestId('stream-state')).toHaveText('Live')

  const pressure = page.locator('figure[data-chart=Pressure]')
  const list = page.getByRole('region', { name: 'Drift verdicts' })
  const rows = list.locator(`li[data-prescription="${id}"]:not([data-drift=cleared])`)

  await test.step('three charts fill with readings and ink', async () => {
    for (const metric of ['Pressure', 'FlowRate', 'FlowLevel']) {
      const chart = page.locator(`figure[data-chart=${metric}]`)
      await expect.poll(() => numberOf(chart, 'data-points'), { timeout: 60_000 }).toBeGreaterThan(20)
      await expect.poll(() => pixels(chart.locator('canvas'), LINE)).toBeGreaterThan(50)
    }
    const first = await numberOf(pressure, 'data-last-ts')
    await expect.poll(() => numberOf(pressure, 'data-last-ts')).toBeGreaterThan(first)
    await expect(pressure).toHaveAttribute('data-band', `${band.parameterValue} ± ${band.parameterTolerance}`)
  })

  await test.step('the drifting device has verdicts in the list and marks in the chart', async () => {
    await expect.poll(() => rows.count(), { timeout: 60_000 }).toBeGreaterThan(2)
    await expect(rows.first()).toContainText('Above')
    await expect(rows.first()).toContainText(`${band.parameterValue} ± ${band.parameterTolerance} cmH₂O`)
    await expect.poll(() => pixels(pressure.locator('canvas'), MARK_ABOVE)).toBeGreaterThan(30)
  })

  const other = await context.newPage()
  try {
    await test.step('a wider tolerance clears verdicts while one looks', async () => {
      const cleared = await numberOf(list, 'data-cleared-total')
      const times = await rows.locator('time').evaluateAll((all) => all.map((t) => t.getAttribute('datetime')))
      const newest = times[0]
      const fading = page.evaluate(
        () =>
          new Promise<string>((resolve) => {
            new MutationObserver((_, observer) => {
              const row = document.querySelector('li[data-drift=cleared]')
              if (row === null) return
              observer.disconnect()
              resolve(row.textContent ?? '')
            }).observe(document.body, { subtree: true, childList: true, attributes: true })
          }),
      )
      await correct(other, id, 'Pressure tolerance', 50)
      expect(await fading).toContain('No longer holds')
      await expect.poll(() => numberOf(list, 'data-cleared-total'), { timeout: 60_000 }).toBeGreaterThan(cleared)
      await expect(rows.locator(`time[datetime="${newest}"]`)).toHaveCount(0)
      await expect(pressure).toHaveAttribute('data-band', `${band.parameterValue} ± 50`, { timeout: 20_000 })
    })

    await test.step('a tighter one judges the same readings again', async () => {
      await correct(other, id, 'Pressure tolerance', band.parameterTolerance / 4)
      const tight = list.locator('li:not([data-drift=cleared])', { hasText: `± ${band.parameterTolerance / 4} cmH₂O` })
      await expect.poll(() => tight.count(), { timeout: 60_000 }).toBeGreaterThan(2)
    })
  } finally {
    await restore(request, before)
    await other.close()
  }
})

test('pause holds the picture and resume catches up', async ({ page }) => {
  await page.goto('/telemetry')
  await expect(page.getByTestId('simulation-state')).toHaveText('Running')
  const chart = page.locator('figure[data-chart=FlowRate]')
  await expect.poll(() => numberOf(chart, 'data-points')).toBeGreaterThan(0)

  await page.getByRole('button', { name: 'Pause' }).click()
  await expect(page.getByTestId('stream-state')).toHaveText('Paused')
  await expect(page.getByRole('button', { name: /Resume.*waiting/ })).toBeVisible()
  const held = await numberOf(chart, 'data-last-ts')
  const story = await page.getByTestId('story-clock').innerText()
  await expect(page.getByTestId('story-clock')).not.toHaveText(story)
  expect(await numberOf(chart, 'data-last-ts')).toBe(held)

  await page.getByRole('button', { name: 'Resume' }).click()
  await expect.poll(() => numberOf(chart, 'data-last-ts')).toBeGreaterThan(held)
})

test('the choice of devices is kept, and the lines follow it', async ({ page }) => {
  await page.goto('/telemetry')
  const chart = page.locator('figure[data-chart=Pressure]')
  await expect(chart.getByRole('img')).toHaveAccessibleName(/: 5 devices/)
  const shown = page.getByRole('group', { name: 'Shown devices' })
  for (const id of ['DEV-P001', 'DEV-P002', 'DEV-P004', 'DEV-P005']) await shown.getByRole('button', { name: id }).click()
  await expect(chart.getByRole('img')).toHaveAccessibleName(/: 1 device,.*for DEV-P003/)
  await page.reload()
  await expect(shown.getByRole('button', { name: 'DEV-P001' })).toHaveAttribute('aria-pressed', 'false')
  await expect(chart.getByRole('img')).toHaveAccessibleName(/: 1 device,.*for DEV-P003/)
})

test('one connection carries everything that is live, from page to page', async ({ page }) => {
  const open = new Set<string>()
  const topics = (): (string | null)[] => [...open].map((url) => new URL(url).searchParams.get('topics'))
  page.on('request', (request) => {
    if (request.resourceType() === 'eventsource') open.add(request.url())
  })
  page.on('requestfailed', (request) => open.delete(request.url()))
  page.on('requestfinished', (request) => open.delete(request.url()))
  await page.goto('/telemetry')
  await expect(page.getByTestId('stream-state')).toHaveText('Live')
  expect(topics()).toEqual(['drift,simulation,telemetry'])
  await page.getByRole('link', { name: 'Prescriptions' }).first().click()
  await expect(page.getByRole('heading', { name: 'Prescriptions', level: 1 })).toBeVisible()
  await expect.poll(topics).toEqual(['drift,simulation'])
})
