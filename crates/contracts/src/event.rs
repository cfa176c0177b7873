//! Records of `hc_raw_device_events`: a button, a battery or a place of a device.

use hc_domain::{DeviceEvent, DeviceEventKind};
use serde::{Deserialize, Serialize};

/// Key of an event.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct DeviceEventKey {
    pub event_id: String,
}

/// An event without its identifier, which is the key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DeviceEventValue {
    pub device_id: String,
    pub patient_id: String,
    /// `BUTTON_PRESSED`, `POWER_STATUS` or `GPS`.
    pub event_type: String,
    /// Event time, epoch milliseconds.
    pub ts: i64,
    /// Degrees, of `GPS`.
    pub lng: Option<f64>,
    /// Degrees, of `GPS`.
    pub lat: Option<f64>,
    /// Percent, of `POWER_STATUS`.
    pub battery_level: Option<i32>,
    /// Of `POWER_STATUS`.
    pub plugged: Option<bool>,
    pub hw_model: Option<String>,
    pub sw_version: Option<String>,
}

impl From<&DeviceEvent> for DeviceEventKey {
    fn from(event: &DeviceEvent) -> Self {
        Self {
            event_id: event.event_id.clone(),
        }
    }
}

impl From<&DeviceEvent> for DeviceEventValue {
    fn from(event: &DeviceEvent) -> Self {
        let mut value = Self {
            device_id: event.device_id.to_string(),
            patient_id: event.patient_id.to_string(),
            event_type: event.kind.as_str().to_owned(),
            ts: event.ts,
            lng: None,
            lat: None,
            battery_level: None,
            plugged: None,
            hw_model: Some(event.hw_model.clone()),
            sw_version: Some(event.software_version.clone()),
        };
        match event.kind {
            DeviceEventKind::ButtonPressed => {}
            DeviceEventKind::PowerStatus {
                battery_level,
                plugged,
            } => {
                value.battery_level = Some(battery_level);
                value.plugged = Some(plugged);
            }
            DeviceEventKind::Gps {
                latitude,
                longitude,
            } => {
                value.lat = Some(latitude);
                value.lng = Some(longitude);
            }
        }
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        subject::{RAW_EVENTS_KEY, RAW_EVENTS_VALUE},
        testing::{read, written},
    };

    fn event(kind: DeviceEventKind) -> DeviceEvent {
        DeviceEvent {
            event_id: "gps-0123456789ab".to_owned(),
            device_id: "DEV-P001".parse().unwrap(),
            patient_id: "P001".parse().unwrap(),
            ts: 1_774_448_100_000,
            kind,
            hw_model: "RMD-100".to_owned(),
            software_version: "1.2.0".to_owned(),
        }
    }

    #[test]
    fn bytes_are_the_ones_that_are_on_the_topic_already() {
        let event = event(DeviceEventKind::PowerStatus {
            battery_level: 75,
            plugged: true,
        });
        assert_eq!(
            written(&RAW_EVENTS_KEY, &DeviceEventKey::from(&event)),
            "20 67 70 73 2d 30 31 32 33 34 35 36 37 38 39 61 62"
        );
        assert_eq!(
            written(&RAW_EVENTS_VALUE, &DeviceEventValue::from(&event)),
            "10 44 45 56 2d 50 30 30 31 08 50 30 30 31 18 50 4f 57 45 52 5f 53 54 41 54 55 53 c0 8a ca d5 a4 67 00 00 02 96 01 02 01 02 0e 52 4d 44 2d 31 30 30 02 0a 31 2e 32 2e 30"
        );
    }

    #[test]
    fn every_kind_survives_the_round_trip() {
        for kind in [
            DeviceEventKind::ButtonPressed,
            DeviceEventKind::PowerStatus {
                battery_level: 0,
                plugged: false,
            },
            DeviceEventKind::Gps {
                latitude: 41.8786,
                longitude: -87.6293,
            },
        ] {
            let sent = DeviceEventValue::from(&event(kind));
            let bytes = written(&RAW_EVENTS_VALUE, &sent);
            let received: DeviceEventValue =
                read(RAW_EVENTS_VALUE.schema(), &RAW_EVENTS_VALUE, &bytes);
            assert_eq!(received, sent);
        }
    }
}
