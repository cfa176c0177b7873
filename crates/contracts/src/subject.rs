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
subject!(RAW_EVENTS_KEY, "hc_raw_device_events-key");
subject!(RAW_EVENTS_VALUE, "hc_raw_device_events-value");
subject!(DRIFT_KEY, "hc_fct_drift_evts-key");
subject!(DRIFT_VALUE, "hc_fct_drift_evts-value");

/// Every subject this crate has a schema for.
pub static ALL: [&Subject; 6] = [
    &RAW_METRICS_KEY,
    &RAW_METRICS_VALUE,
    &RAW_EVENTS_KEY,
    &RAW_EVENTS_VALUE,
    &DRIFT_KEY,
    &DRIFT_VALUE,
];

#[cfg(test)]
mod tests {
    use apache_avro::Schema;

    use super::*;

    #[test]
    fn every_schema_file_parses_and_is_named_after_its_subject() {
        let files = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/schemas")).unwrap();
        let mut files: Vec<_> = files
            .map(|file| file.unwrap().file_name().into_string().unwrap())
            .collect();
        files.sort();
        let mut subjects: Vec<_> = ALL.map(|subject| format!("{}.avsc", subject.name)).into();
        subjects.sort();
        assert_eq!(files, subjects, "schema files and subjects belong together");
        for subject in ALL {
            let Schema::Record(record) = subject.schema() else {
                panic!("{} is not a record", subject.name);
            };
            assert_eq!(record.name.name(), subject.name.replace('-', "_"));
        }
    }
}
