//! The catalogue of topics: names for everybody, settings for those that this product creates itself.

use crate::subject::{self, Subject};

/// Readings of the devices.
pub const RAW_METRICS: &str = "hc_raw_device_metrics";
/// Buttons, batteries and places of the devices.
pub const RAW_EVENTS: &str = "hc_raw_device_events";
/// Drift verdicts, created and written by Flink.
pub const DRIFT: &str = "hc_fct_drift_evts";

/// How far a topic's records have come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layer {
    /// Written by devices and by the simulation.
    Raw,
    /// Changes of Postgres tables, written by Connect.
    Cdc,
    /// Cleaned by Flink.
    Source,
    /// Rearranged by Flink for its own use.
    Intermediate,
    /// Golden records, joined by Flink.
    Dimension,
    /// Conclusions, written by Flink.
    Fact,
}

/// Every topic of the product, in the order in which records travel.
pub const ALL: [(&str, Layer); 20] = [
    (RAW_METRICS, Layer::Raw),
    (RAW_EVENTS, Layer::Raw),
    ("healthcare.public.patients", Layer::Cdc),
    ("healthcare.public.devices", Layer::Cdc),
    ("healthcare.public.prescriptions", Layer::Cdc),
    ("src_hc_patients", Layer::Source),
    ("src_hc_devices", Layer::Source),
    ("src_hc_prescriptions", Layer::Source),
    ("int_hc_prescriptions", Layer::Intermediate),
    ("hc_dim_patients", Layer::Dimension),
    (DRIFT, Layer::Fact),
    ("hc_fct_compliance_alerts", Layer::Fact),
    ("hc_fct_telemetry_1h", Layer::Fact),
    ("hc_fct_compliance_1h", Layer::Fact),
    ("hc_fct_dev_anomaly", Layer::Fact),
    ("hc_fct_device_health", Layer::Fact),
    ("hc_fct_device_events_dq", Layer::Fact),
    ("hc_fct_geofence_alerts", Layer::Fact),
    ("hc_fct_button_routing", Layer::Fact),
    ("hc_fct_device_update_commands", Layer::Fact),
];

/// A topic that the API creates and whose schemas it registers. Topics of Connect and Flink are created by
/// their writers and are known here by name only.
#[derive(Debug)]
pub struct Topic {
    pub name: &'static str,
    pub partitions: i32,
    /// Topic settings by their Kafka names; everything else is the cluster's default. Compression is the
    /// producer's choice and is kept by the broker.
    pub configs: &'static [(&'static str, &'static str)],
    pub key: &'static Subject,
    pub value: &'static Subject,
}

/// The topics to create, with the subjects to register.
pub static OWNED: [Topic; 2] = [
    Topic {
        name: RAW_METRICS,
        partitions: 3,
        configs: &[
            ("cleanup.policy", "delete"),
            // 7 days of wall time.
            ("retention.ms", "604800000"),
            // 512 MiB per partition, in segments of 64 MiB, since only closed segments are removed.
            ("retention.bytes", "536870912"),
            ("segment.bytes", "67108864"),
        ],
        key: &subject::RAW_METRICS_KEY,
        value: &subject::RAW_METRICS_VALUE,
    },
    Topic {
        name: RAW_EVENTS,
        partitions: 3,
        configs: &[
            ("cleanup.policy", "delete"),
            // 7 days of wall time.
            ("retention.ms", "604800000"),
            // 64 MiB per partition: a few events a minute are less in a year.
            ("retention.bytes", "67108864"),
            ("segment.bytes", "16777216"),
        ],
        key: &subject::RAW_EVENTS_KEY,
        value: &subject::RAW_EVENTS_VALUE,
    },
];

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::*;

    #[test]
    fn a_topic_owns_the_subjects_that_bear_its_name() {
        for topic in &OWNED {
            assert_eq!(topic.key.name, format!("{}-key", topic.name));
            assert_eq!(topic.value.name, format!("{}-value", topic.name));
            assert!(topic.partitions > 0);
        }
    }

    #[test]
    fn the_catalogue_has_what_the_service_connect_and_flink_write() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let mut written: Vec<String> = OWNED.iter().map(|topic| topic.name.to_owned()).collect();
        let connector = root.join("connect/debezium-postgres-healthcare.json");
        let connector: serde_json::Value =
            serde_json::from_str(&fs::read_to_string(connector).unwrap()).unwrap();
        let (prefix, tables) = (
            connector["topic.prefix"].as_str().unwrap(),
            connector["table.include.list"].as_str().unwrap(),
        );
        written.extend(tables.split(',').map(|table| format!("{prefix}.{table}")));
        for layer in ["sources", "intermediates", "dimensions", "facts"] {
            for product in fs::read_dir(root.join("pipelines").join(layer)).unwrap() {
                for table in fs::read_dir(product.unwrap().path()).unwrap() {
                    written.push(table.unwrap().file_name().into_string().unwrap());
                }
            }
        }
        written.sort();
        let mut known: Vec<_> = ALL.iter().map(|(name, _)| (*name).to_owned()).collect();
        known.sort();
        assert_eq!(known, written);
    }

    #[test]
    fn raw_topics_are_bounded_in_time_and_size() {
        for (topic, bytes) in OWNED.iter().zip([512 << 20, 64 << 20]) {
            let config = |name| {
                let (_, value) = topic.configs.iter().find(|(key, _)| *key == name).unwrap();
                value.parse::<u64>().unwrap()
            };
            assert_eq!(config("retention.ms"), 7 * 24 * 60 * 60 * 1000);
            assert_eq!(config("retention.bytes"), bytes);
            assert!(config("segment.bytes") * 4 <= config("retention.bytes"));
        }
    }
}
