import type { components } from './schema.gen'

type Schemas = components['schemas']

export type Patient = Schemas['PatientOut']
export type Device = Schemas['DeviceOut']
export type Prescription = Schemas['PrescriptionOut']
export type Parameter = Schemas['ParameterOut']
export type PrescriptionBody = Schemas['PrescriptionIn']
export type Reading = Schemas['ReadingOut']
export type DriftEvent = Schemas['DriftOut']
/** What names a verdict: the same four fields as the key of its Kafka record. */
export type DriftKey = Schemas['DriftKeyOut']
export type Missed = Schemas['Missed']
export type Dependency = Schemas['Dependency']
export type SimulationStatus = Schemas['SimulationStatus']
