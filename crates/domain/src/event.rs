use crate::{DeviceId, EpochMillis, PatientId};

/// Something that happened at a device, other than a reading.
#[derive(Debug, Clone, PartialEq)]
pub struct DeviceEvent {
    /// The first letters of the kind, a hyphen and 12 hexadecimal digits.
    pub event_id: String,
    pub device_id: DeviceId,
    pub patient_id: PatientId,
    /// Event time.
    pub ts: EpochMillis,
    pub kind: DeviceEventKind,
    pub hw_model: String,
    pub software_version: String,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum DeviceEventKind {
    /// Somebody pressed the button.
    ButtonPressed,
    PowerStatus {
        /// Percent.
        battery_level: i32,
        plugged: bool,
    },
    /// Where the device is, degrees, WGS 84.
    Gps { latitude: f64, longitude: f64 },
}

impl DeviceEventKind {
    /// The name in Kafka.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ButtonPressed => "BUTTON_PRESSED",
            Self::PowerStatus { .. } => "POWER_STATUS",
            Self::Gps { .. } => "GPS",
        }
    }

    /// An identifier for an event of this kind, from a random number.
    pub fn event_id(self, random: u128) -> String {
        let prefix = match self {
            Self::ButtonPressed => "but",
            Self::PowerStatus { .. } => "pow",
            Self::Gps { .. } => "gps",
        };
        format!("{prefix}-{:012x}", random & 0xffff_ffff_ffff)
    }
}

/// A place near the home of a device, or away from it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Place {
    /// Degrees, WGS 84.
    pub latitude: f64,
    /// Degrees, WGS 84.
    pub longitude: f64,
}

impl Place {
    /// About 70 m away, within a geofence of 500 m, or about 7 km away; towards the equator, where the next latitude
    /// always is one.
    #[must_use]
    pub fn moved(self, is_inside: bool) -> Self {
        let by = if is_inside { 0.0005 } else { 0.05 };
        let latitude = if self.latitude > 0.0 {
            self.latitude - by
        } else {
            self.latitude + by
        };
        // Beyond 180 degrees east begins the west.
        let longitude = if self.longitude + by > 180.0 {
            self.longitude + by - 360.0
        } else {
            self.longitude + by
        };
        Self {
            latitude,
            longitude,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn event_ids_have_the_documented_form() {
        assert_eq!(
            DeviceEventKind::ButtonPressed.event_id(0xabc),
            "but-000000000abc"
        );
        let gps = DeviceEventKind::Gps {
            latitude: 0.0,
            longitude: 0.0,
        };
        assert_eq!(gps.event_id(u128::MAX), "gps-ffffffffffff");
    }

    #[test]
    fn a_place_nearby_is_a_place() {
        for latitude in [-90.0, -0.01, 0.0, 41.8, 90.0] {
            for longitude in [-180.0, 0.0, 179.99, 180.0] {
                let home = Place {
                    latitude,
                    longitude,
                };
                for is_inside in [true, false] {
                    let moved = home.moved(is_inside);
                    assert!((-90.0..=90.0).contains(&moved.latitude), "{moved:?}");
                    assert!((-180.0..=180.0).contains(&moved.longitude), "{moved:?}");
                    // One degree of latitude is 111 km.
                    let metres = (moved.latitude - latitude).abs() * 111_000.0;
                    assert_eq!(metres < 500.0, is_inside, "{moved:?}");
                }
            }
        }
    }
}
