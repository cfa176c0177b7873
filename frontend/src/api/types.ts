import type { components } from './schema.gen'

type Schemas = components['schemas']

export type Patient = Schemas['Patient']
export type Device = Schemas['Device']
export type Prescription = Schemas['Prescription']
export type Parameter = Schemas['PrescriptionParameter']
export type Reading = Schemas['Reading']
export type DriftEvent = Schemas['DriftEvent']
export type SimulationStatus = Schemas['SimulationStatus']

/** What names a verdict: the same four fields as the key of its Kafka record. */
export type DriftKey = Pick<DriftEvent, 'deviceId' | 'metricName' | 'ts' | 'prescriptionId'>
