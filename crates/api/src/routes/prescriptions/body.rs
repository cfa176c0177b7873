//! Prescriptions in requests and responses.

use chrono::{DateTime, Utc};
use hc_domain::{
    DeviceId, EpochMillis, ParameterDraft, Prescription, PrescriptionDraft, PrescriptionId,
    PrescriptionParameter, Versioned,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    http::{ApiError, Resource, json::instant},
    openapi::types,
};

/// A prescription as a client sends it. What responses add may be sent along, and is ignored.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PrescriptionIn {
    #[schema(value_type = types::PatientId)]
    patient_id: String,
    /// The device that the patient wears
    #[schema(value_type = types::DeviceId)]
    device_id: String,
    #[serde(default)]
    #[schema(examples("CPAP Oxygen Flow"), max_length = 256)]
    medication_or_therapy: String,
    /// First valid instant, of story time
    #[schema(value_type = types::EpochMillis)]
    start_date: i64,
    /// First instant that is no longer valid, after the first; null is until further notice
    #[serde(default)]
    #[schema(value_type = Option<types::EpochMillis>)]
    end_date: Option<i64>,
    /// One per metric, at least one
    #[schema(min_items = 1, max_items = 3)]
    parameters: Vec<ParameterIn>,
}

/// A new prescription as a client sends it. What responses add may be sent along, and is ignored.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PrescriptionCreate {
    #[schema(value_type = types::PatientId)]
    patient_id: String,
    /// The device that the patient wears
    #[schema(value_type = types::DeviceId)]
    device_id: String,
    #[serde(default)]
    #[schema(examples("CPAP Oxygen Flow"), max_length = 256)]
    medication_or_therapy: String,
    /// First valid instant, of story time; the current story time when absent
    #[serde(default)]
    #[schema(value_type = Option<types::EpochMillis>)]
    start_date: Option<i64>,
    /// First instant that is no longer valid, after the first; null is until further notice
    #[serde(default)]
    #[schema(value_type = Option<types::EpochMillis>)]
    end_date: Option<i64>,
    /// One per metric, at least one
    #[schema(min_items = 1, max_items = 3)]
    parameters: Vec<ParameterIn>,
    /// The prescription of the same device that ends when this one starts
    #[serde(default)]
    #[schema(value_type = Option<types::PrescriptionId>)]
    supersedes: Option<String>,
}

/// Target and tolerance of one metric.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ParameterIn {
    #[schema(value_type = types::MetricName)]
    parameter_name: String,
    /// The target, in the metric's unit
    #[schema(minimum = 0, maximum = 10_000, examples(12.0))]
    parameter_value: f64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<types::ParameterType>)]
    parameter_type: Option<String>,
    /// The largest distance from the target that is no drift, in the metric's unit
    #[schema(minimum = 0, maximum = 10_000, examples(1.5))]
    parameter_tolerance: f64,
}

impl Resource for PrescriptionIn {
    const FIELDS: &'static [&'static str] = &[
        "patientId",
        "deviceId",
        "medicationOrTherapy",
        "startDate",
        "endDate",
        "parameters",
    ];
    // The identifier is drawn, and then in the path.
    const READ_ONLY: &'static [&'static str] =
        &["prescriptionId", "version", "createdAt", "updatedAt"];
}

impl Resource for PrescriptionCreate {
    const FIELDS: &'static [&'static str] = &[
        "patientId",
        "deviceId",
        "medicationOrTherapy",
        "startDate",
        "endDate",
        "parameters",
        "supersedes",
    ];
    const READ_ONLY: &'static [&'static str] = PrescriptionIn::READ_ONLY;
}

impl PrescriptionCreate {
    /// The prescription, with its default start, and what it supersedes.
    pub(super) fn split(self, default_start: EpochMillis) -> (PrescriptionIn, Option<String>) {
        let input = PrescriptionIn {
            patient_id: self.patient_id,
            device_id: self.device_id,
            medication_or_therapy: self.medication_or_therapy,
            start_date: self.start_date.unwrap_or(default_start),
            end_date: self.end_date,
            parameters: self.parameters,
        };
        (input, self.supersedes)
    }
}

impl PrescriptionIn {
    pub(super) fn parse(
        self,
        identify: impl FnOnce(&DeviceId) -> PrescriptionId,
    ) -> Result<Prescription, ApiError> {
        let draft = PrescriptionDraft {
            patient_id: self.patient_id,
            device_id: self.device_id,
            medication_or_therapy: self.medication_or_therapy,
            start_date: self.start_date,
            end_date: self.end_date,
            parameters: self
                .parameters
                .into_iter()
                .map(|parameter| ParameterDraft {
                    name: parameter.parameter_name,
                    value: parameter.parameter_value,
                    kind: parameter.parameter_type,
                    tolerance: parameter.parameter_tolerance,
                })
                .collect(),
        };
        Ok(draft.parse(identify)?)
    }
}

impl From<Prescription> for PrescriptionIn {
    fn from(prescription: Prescription) -> Self {
        Self {
            patient_id: prescription.patient_id.into(),
            device_id: prescription.device_id.into(),
            medication_or_therapy: prescription.medication_or_therapy,
            start_date: prescription.validity.start(),
            end_date: prescription.validity.end(),
            parameters: prescription
                .parameters
                .iter()
                .map(|parameter| ParameterIn {
                    parameter_name: parameter.metric.to_string(),
                    parameter_value: parameter.value,
                    parameter_type: None,
                    parameter_tolerance: parameter.tolerance,
                })
                .collect(),
        }
    }
}

/// A prescription.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Prescription)]
pub struct PrescriptionOut {
    #[schema(value_type = types::PrescriptionId)]
    prescription_id: String,
    #[schema(value_type = types::PatientId)]
    patient_id: String,
    #[schema(value_type = types::DeviceId)]
    device_id: String,
    #[schema(examples("CPAP Oxygen Flow"))]
    medication_or_therapy: String,
    /// First valid instant, of story time
    #[schema(value_type = types::EpochMillis)]
    start_date: i64,
    /// First instant that is no longer valid; null is until further notice
    #[schema(required, value_type = Option<types::EpochMillis>)]
    end_date: Option<i64>,
    parameters: Vec<ParameterOut>,
    /// Counts the changes; the `ETag`
    #[schema(minimum = 1, examples(1))]
    version: i64,
    #[schema(examples("2026-06-01T00:00:00Z"))]
    #[serde(serialize_with = "instant")]
    created_at: DateTime<Utc>,
    #[schema(examples("2026-06-01T00:00:00Z"))]
    #[serde(serialize_with = "instant")]
    updated_at: DateTime<Utc>,
}

/// Target and tolerance of one metric.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PrescriptionParameter)]
pub struct ParameterOut {
    #[schema(value_type = types::MetricName)]
    parameter_name: &'static str,
    /// The target, in the unit
    #[schema(examples(12.0))]
    parameter_value: f64,
    #[schema(value_type = types::ParameterType)]
    parameter_type: &'static str,
    /// The largest distance from the target that is no drift, in the unit
    #[schema(examples(1.5))]
    parameter_tolerance: f64,
    /// UCUM code
    #[schema(examples("cm[H2O]"))]
    unit: &'static str,
}

impl From<Versioned<Prescription>> for PrescriptionOut {
    fn from(row: Versioned<Prescription>) -> Self {
        let prescription = row.value;
        Self {
            prescription_id: prescription.prescription_id.into(),
            patient_id: prescription.patient_id.into(),
            device_id: prescription.device_id.into(),
            medication_or_therapy: prescription.medication_or_therapy,
            start_date: prescription.validity.start(),
            end_date: prescription.validity.end(),
            parameters: prescription
                .parameters
                .iter()
                .map(ParameterOut::from)
                .collect(),
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

impl From<&PrescriptionParameter> for ParameterOut {
    fn from(parameter: &PrescriptionParameter) -> Self {
        Self {
            parameter_name: parameter.metric.as_str(),
            parameter_value: parameter.value,
            parameter_type: PrescriptionParameter::TYPE,
            parameter_tolerance: parameter.tolerance,
            unit: parameter.metric.unit(),
        }
    }
}
