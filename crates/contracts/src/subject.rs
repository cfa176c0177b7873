//! Subjects: one Avro schema file each, named `<topic>-key` or `<topic>-value`.

use std::sync::LazyLock;

use apache_avro::Schema;

/// One schema file and the name under which the registry keeps it (without the environment's prefix).
#[derive(Debug)]
pub struct Subject {
    pub name: &'static str,
    /// The file's text, as it is registered.
    pub text: &'static str,
    parsed: LazyLock<Schema>,
}

impl Subject {
    /// The parsed schema. It lives as long as the process, so encoders can borrow it.
    pub fn schema(&'static self) -> &'static Schema {
        &self.parsed
    }
}

macro_rules! subject {
    ($constant:ident, $name:literal) => {
        #[doc = concat!("`", $name, "`")]
        pub static $constant: Subject = Subject {
            name: $name,
            text: include_str!(concat!("../schemas/", $name, ".avsc")),
            parsed: LazyLock::new(|| {
                Schema::parse_str(include_str!(concat!("../schemas/", $name, ".avsc")))
                    .expect("schema files are parsed by a test")
            }),
        };
    };
}

subject!(RAW_METRICS_KEY, "hc_raw_device_metrics-key");
subject!(RAW_METRICS_VALUE, "hc_raw_device_metrics-value");
subject!(DRIFT_KEY, "hc_fct_drift_evts-key");
subject!(DRIFT_VALUE, "hc_fct_drift_evts-value");

/// Every subject this crate has a schema for.
pub static ALL: [&Subject; 4] = [
    &RAW_METRICS_KEY,
    &RAW_METRICS_VALUE,
    &DRIFT_KEY,
    &DRIFT_VALUE,
];
