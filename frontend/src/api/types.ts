import type { components } from './schema.gen'

type Schemas = components['schemas']

export type Patient = Schemas['Patient']
export type Device = Schemas['Device']
export type Prescription = Schemas['Prescription']
export type Parameter = Schemas['PrescriptionParameter']
export type PrescriptionBody = Schemas['PrescriptionIn']
export type MetricName = Schemas['MetricName']
export type Reading = Schemas['Reading']
export type DriftEvent = Schemas['DriftEvent']
/** What names a verdict: the same four fields as the key of its Kafka record. */
export type DriftKey = Schemas['DriftKey']
export type Missed = Schemas['Missed']
export type Dependency = Schemas['Dependency']
export type SimulationStatus = Schemas['SimulationStatus']
