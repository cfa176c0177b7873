import { expect, test } from '@playwright/test'
import { prescription, prescriptionsOf, remove, restore, rowOf, seeded, target } from './support'

const DEVICES = ['DEV-P001', 'DEV-P002', 'DEV-P003', 'DEV-P004', 'DEV-P005']

test('shows the seeded prescriptions with patient, validity and values, and sorts them', async ({ page, request }) => {
  await page.goto('/prescriptions')
  for (const device of DEVICES) await expect(rowOf(page, (await seeded(request, device)).prescriptionId)).toBeVisible()

  const rx = await seeded(request, 'DEV-P004')
  const row = rowOf(page, rx.prescriptionId)
  await expect(row).toContainText('Lindsay Lee')
  await expect(row).toContainText('P004 · DEV-P004')
  const flowRate = target(rx, 'FlowRate')
  await expect(row).toContainText(`Flow rate ${flowRate.parameterValue} ± ${flowRate.parameterTolerance} L/min`)

  const patients = page.locator('tbody th[scope=row] > :first-child')
  await page.getByRole('button', { name: 'Patient' }).click()
  const descending = await patients.allInnerTexts()
  expect(descending).toEqual([...descending].sort().reverse())
  await expect(page.getByRole('columnheader', { name: 'Patient' })).toHaveAttribute('aria-sort', 'descending')
})

test('a corrected target is in the table, and a wrong one is refused beside its field', async ({ page, request }) => {
  const before = await seeded(request, 'DEV-P002')
  const wanted = target(before, 'Pressure').parameterValue + 0.25
  try {
    await page.goto('/prescriptions')
    await page.getByRole('button', { name: `Correct ${before.prescriptionId}` }).click()
    const dialog = page.getByRole('dialog', { name: 'Correct prescription' })
    await expect(dialog).toContainText('Bob Jones · DEV-P002')

    await dialog.getByLabel('Pressure tolerance').fill('-1')
    await dialog.getByRole('button', { name: 'Save correction' }).click()
    await expect(dialog).toContainText('Tolerance: Zero or more.')
    await expect(dialog.getByLabel('Pressure tolerance')).toBeFocused()

    await dialog.getByLabel('Pressure tolerance').fill(String(target(before, 'Pressure').parameterTolerance))
    await dialog.getByLabel('Pressure target').fill(String(wanted))
    await dialog.getByRole('button', { name: 'Save correction' }).click()
    await expect(dialog).toBeHidden()
    await expect(page.getByRole('status')).toContainText(['Correction saved'])
    await expect(rowOf(page, before.prescriptionId)).toContainText(`Pressure ${wanted} ±`)

    const after = await prescription(request, before.prescriptionId)
    expect(after.startDate).toBe(before.startDate)
    expect(after.version).toBeGreaterThan(before.version)
  } finally {
    await restore(request, before)
  }
})

test('somebody else was faster: nothing is overwritten, and the current values can be loaded', async ({ page, request }) => {
  const before = await seeded(request, 'DEV-P005')
  const theirs = target(before, 'FlowLevel').parameterValue + 7
  try {
    await page.goto('/prescriptions')
    await page.getByRole('button', { name: `Correct ${before.prescriptionId}` }).click()
    const dialog = page.getByRole('dialog')
    const changed = structuredClone(before)
    target(changed, 'FlowLevel').parameterValue = theirs
    await restore(request, changed)

    await dialog.getByLabel('Pressure target').fill('11.5')
    await dialog.getByRole('button', { name: 'Save correction' }).click()
    await expect(dialog.getByRole('alert')).toContainText('Someone else changed this prescription')
    expect(target(await prescription(request, before.prescriptionId), 'FlowLevel').parameterValue).toBe(theirs)

    await dialog.getByRole('button', { name: 'Load current values' }).click()
    await expect(dialog.getByLabel('Flow level target')).toHaveValue(String(theirs))
    await dialog.getByLabel('Pressure target').fill('11.5')
    await dialog.getByRole('button', { name: 'Save correction' }).click()
    await expect(rowOf(page, before.prescriptionId)).toContainText('Pressure 11.5 ±')
  } finally {
    await restore(request, before)
  }
})

test('a new prescription over an existing one becomes a change of therapy', async ({ page, request }) => {
  const before = await seeded(request, 'DEV-P001')
  let made: string | undefined
  try {
    await page.goto('/prescriptions')
    await page.getByRole('button', { name: 'New prescription' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel('Patient').selectOption('P001')
    await expect(dialog.getByLabel('Device')).toHaveValue('DEV-P001')
    await dialog.getByLabel('Therapy').fill('CPAP, night')
    await dialog.getByRole('button', { name: 'Create prescription' }).click()
    await expect(dialog.getByRole('alert')).toBeVisible()

    await dialog.getByRole('button', { name: 'Change therapy instead' }).click()
    await expect(dialog.getByLabel('Therapy')).toHaveValue('CPAP, night')
    await dialog.getByRole('button', { name: 'Change therapy' }).click()
    await expect(dialog).toBeHidden()

    const both = await prescriptionsOf(request, 'DEV-P001')
    const next = both.find((rx) => rx.medicationOrTherapy === 'CPAP, night')
    made = next?.prescriptionId
    expect(both.find((rx) => rx.prescriptionId === before.prescriptionId)?.endDate).toBe(next?.startDate)
    await expect(rowOf(page, made ?? '')).toContainText('CPAP, night')

    await page.getByRole('button', { name: `Delete ${made}` }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Delete prescription' }).click()
    await expect(rowOf(page, made ?? '')).toHaveCount(0)
    made = undefined
  } finally {
    if (made) await remove(request, made)
    await restore(request, before)
  }
})

test('an unknown address is a page of its own', async ({ page }) => {
  await page.goto('/nothing/here')
  await expect(page.getByRole('heading', { name: 'There is no such page' })).toBeVisible()
})
