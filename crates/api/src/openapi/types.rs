//! Types that only the description has, because the service works with those of the domain: what is said of an
//! identifier or a time is said here once, and holds in paths, queries, requests and responses.

use hc_domain::{MAX_EPOCH_MILLIS, Metric};
use hc_simulator::DefectKind;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{KnownFormat, ObjectBuilder, RefOr, Schema, SchemaFormat, Type},
};

use crate::routes::{devices::DeviceIn, patients::PatientIn, prescriptions::PrescriptionIn};

macro_rules! described {
    ($($name:ident => $schema:expr;)*) => {$(
        #[derive(Debug)]
        pub struct $name;

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                $schema.into()
            }
        }

        impl ToSchema for $name {}
    )*};
}

described! {
    PatientId => identifier(hc_domain::PatientId::MAX_LEN, "P001");
    DeviceId => identifier(hc_domain::DeviceId::MAX_LEN, "DEV-P001");
    PrescriptionId => identifier(hc_domain::PrescriptionId::MAX_LEN, "RX-DEV-P001-a3F9");
    EpochMillis => ObjectBuilder::new()
        .schema_type(Type::Integer)
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int64)))
        .minimum(Some(0))
        .maximum(Some(MAX_EPOCH_MILLIS))
        .description(Some("Milliseconds since 1970-01-01T00:00:00Z"))
        .examples([1_780_272_000_000_i64]);
    MetricName => names(
        "What a device measures, with the UCUM code of its unit: Pressure in cm[H2O], FlowRate in L/min, FlowLevel in mL",
        Metric::ALL.map(Metric::as_str),
    );
    DefectType => names(
        "What can go wrong with a device; `docs/simulator.md` says how each shows. `flow_level_down`, `pressure_oscillate`, \
         `flow_rate_down` and `spike` take some rounds of the device, the others last until they are cancelled",
        DefectKind::ALL.map(DefectKind::as_str),
    );
    PatientPatch => patch::<PatientIn>();
    DevicePatch => patch::<DeviceIn>();
    PrescriptionPatch => patch::<PrescriptionIn>();
}

fn identifier(max: usize, example: &str) -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .min_length(Some(1))
        .max_length(Some(max))
        .pattern(Some("^[A-Za-z0-9_.-]+$"))
        .description(Some("Letters, digits, '-', '_' and '.'"))
        .examples([example])
}

fn names(description: &str, all: impl IntoIterator<Item = &'static str>) -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .enum_values(Some(all))
        .description(Some(description))
}

/// The type of a prescribed value
#[derive(Debug, ToSchema)]
#[schema(rename_all = "lowercase")]
pub enum ParameterType {
    Float,
}

/// F (female), M (male), O (other) or U (unknown)
#[derive(Debug, ToSchema)]
pub enum Gender {
    F,
    M,
    O,
    U,
}

/// The body of a PATCH (RFC 7396): any of the fields of `T`.
fn patch<T: ToSchema>() -> RefOr<Schema> {
    let mut schema = T::schema();
    if let RefOr::T(Schema::Object(object)) = &mut schema {
        object.required.clear();
        object.description = Some("The fields to change; null removes an optional one".to_owned());
    }
    schema
}
