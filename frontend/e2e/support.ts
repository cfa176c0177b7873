import { expect, type APIRequestContext, type Locator, type Page } from '@playwright/test'

export interface Parameter {
  parameterName: string
  parameterValue: number
  parameterType: string
  parameterTolerance: number
}

export interface Prescription {
  prescriptionId: string
  patientId: string
  deviceId: string
  medicationOrTherapy: string
  startDate: number
  endDate: number | null
  parameters: Parameter[]
  version: number
}

export async function prescription(request: APIRequestContext, id: string): Promise<Prescription> {
  const response = await request.get(`/api/prescriptions/${id}`)
  expect(response.status(), await response.text()).toBe(200)
  return (await response.json()) as Prescription
}

/** The prescription that the seed gave to a device: the one without an end. */
export async function seeded(request: APIRequestContext, deviceId: string): Promise<Prescription> {
  const open = (await prescriptionsOf(request, deviceId)).filter((rx) => rx.endDate === null)
  if (open.length !== 1) throw new Error(`${deviceId} has ${open.length} prescriptions without an end; the tests start from the seed`)
  return open[0]!
}

export async function prescriptionsOf(request: APIRequestContext, deviceId: string): Promise<Prescription[]> {
  const response = await request.get('/api/prescriptions', { params: { deviceId } })
  expect(response.status(), await response.text()).toBe(200)
  return (await response.json()) as Prescription[]
}

/** Puts everything but the version back to what it was. */
export async function restore(request: APIRequestContext, before: Prescription): Promise<void> {
  const { version } = await prescription(request, before.prescriptionId)
  const { patientId, deviceId, medicationOrTherapy, startDate, endDate } = before
  const parameters = before.parameters.map(({ parameterName, parameterValue, parameterType, parameterTolerance }) => ({
    parameterName,
    parameterValue,
    parameterType,
    parameterTolerance,
  }))
  const response = await request.put(`/api/prescriptions/${before.prescriptionId}`, {
    headers: { 'If-Match': `"${version}"` },
    data: { patientId, deviceId, medicationOrTherapy, startDate, endDate, parameters },
  })
  expect(response.status(), await response.text()).toBe(200)
}

export async function remove(request: APIRequestContext, id: string): Promise<void> {
  const { version } = await prescription(request, id)
  const response = await request.delete(`/api/prescriptions/${id}`, { headers: { 'If-Match': `"${version}"` } })
  expect(response.status()).toBe(204)
}

export function target(rx: Prescription, metric: string): Parameter {
  const found = rx.parameters.find((p) => p.parameterName === metric)
  if (!found) throw new Error(`${rx.prescriptionId} does not prescribe ${metric}`)
  return found
}

export const rowOf = (page: Page, id: string): Locator => page.locator(`tr[data-prescription="${id}"]`)

/** Corrects one field of a prescription the way a person does. */
export async function correct(page: Page, id: string, field: string, value: number): Promise<void> {
  await page.goto('/prescriptions')
  await page.getByRole('button', { name: `Correct ${id}`, exact: true }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel(field).fill(String(value))
  await dialog.getByRole('button', { name: 'Save correction' }).click()
  await expect(dialog).toBeHidden()
}

/** How many pixels of a canvas have (nearly) this colour: a chart that is there but blank has none. */
export function pixels(canvas: Locator, color: readonly [number, number, number]): Promise<number> {
  return canvas.evaluate((element, [r, g, b]) => {
    const { width, height } = element as HTMLCanvasElement
    const data = (element as HTMLCanvasElement).getContext('2d')?.getImageData(0, 0, width, height).data ?? new Uint8ClampedArray()
    let count = 0
    for (let i = 0; i < data.length; i += 4) {
      const near = Math.abs(data[i]! - r) + Math.abs(data[i + 1]! - g) + Math.abs(data[i + 2]! - b) < 30
      if (near && data[i + 3]! > 200) count += 1
    }
    return count
  }, color)
}

export const numberOf = async (locator: Locator, attribute: string): Promise<number> => Number((await locator.getAttribute(attribute)) ?? NaN)
