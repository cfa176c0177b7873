use crate::{Checks, DeviceId, Invalid, Metric, PatientId};

/// A breathing device.
#[derive(Debug, Clone, PartialEq)]
pub struct Device {
    /// Primary key.
    pub device_id: DeviceId,
    /// Who wears it; nobody while it is in stock.
    pub patient_id: Option<PatientId>,
    pub manufacturer: String,
    pub model_type: String,
    pub serial_number: String,
    pub software_version: String,
    /// The version that an update may install.
    pub target_software_version: Option<String>,
    pub hw_model: String,
    /// Mean of [`Metric::Pressure`], cm[H2O].
    pub pressure_setting: f64,
    /// Mean of [`Metric::FlowRate`], L/min.
    pub flow_rate_setting: f64,
    /// Mean of [`Metric::FlowLevel`], mL.
    pub flow_level_setting: f64,
    /// Degrees, WGS 84.
    pub latitude: Option<f64>,
    /// Degrees, WGS 84.
    pub longitude: Option<f64>,
    /// Percent.
    pub battery_level: Option<i32>,
    pub plugged: bool,
}

impl Device {
    /// The value around which the device keeps this metric, in the metric's unit.
    pub fn setting(&self, metric: Metric) -> f64 {
        match metric {
            Metric::Pressure => self.pressure_setting,
            Metric::FlowRate => self.flow_rate_setting,
            Metric::FlowLevel => self.flow_level_setting,
        }
    }
}

/// A device as a client sent it.
#[derive(Debug, Clone)]
pub struct DeviceDraft {
    pub device_id: String,
    pub patient_id: Option<String>,
    pub manufacturer: String,
    pub model_type: String,
    pub serial_number: String,
    pub software_version: String,
    pub target_software_version: Option<String>,
    pub hw_model: String,
    pub pressure_setting: f64,
    pub flow_rate_setting: f64,
    pub flow_level_setting: f64,
    pub latitude: Option<f64>,
    pub longitude: Option<f64>,
    pub battery_level: Option<i32>,
    pub plugged: bool,
}

impl DeviceDraft {
    /// Checks the draft.
    ///
    /// # Errors
    /// Everything that is wrong, with JSON pointers in the HTTP spelling.
    pub fn parse(self) -> Result<Device, Invalid> {
        let mut checks = Checks::default();
        let device_id = checks.keep("/deviceId", self.device_id.parse());
        let patient_id = match self.patient_id {
            Some(id) => checks.keep("/patientId", id.parse()).map(Some),
            None => Some(None),
        };
        let manufacturer = checks.text("/manufacturer", &self.manufacturer, 1, 100);
        let model_type = checks.text("/modelType", &self.model_type, 1, 100);
        let serial_number = checks.text("/serialNumber", &self.serial_number, 1, 100);
        let software_version = checks.text("/softwareVersion", &self.software_version, 1, 50);
        let target_software_version = self
            .target_software_version
            .map(|text| checks.text("/targetSoftwareVersion", &text, 1, 50));
        let hw_model = checks.text("/hwModel", &self.hw_model, 1, 100);
        // Far above what any such device delivers; refuses slips of a decimal place in the unit, not therapy choices.
        checks.number("/pressureSetting", self.pressure_setting, 0.0, 100.0);
        checks.number("/flowRateSetting", self.flow_rate_setting, 0.0, 1_000.0);
        checks.number("/flowLevelSetting", self.flow_level_setting, 0.0, 10_000.0);
        if let Some(latitude) = self.latitude {
            checks.number("/latitude", latitude, -90.0, 90.0);
        }
        if let Some(longitude) = self.longitude {
            checks.number("/longitude", longitude, -180.0, 180.0);
        }
        if self.latitude.is_some() != self.longitude.is_some() {
            checks.fail("/longitude", "must be given together with latitude");
        }
        if let Some(level) = self.battery_level {
            checks.number("/batteryLevel", f64::from(level), 0.0, 100.0);
        }
        checks.finish()?;
        let (Some(device_id), Some(patient_id)) = (device_id, patient_id) else {
            return Err(Invalid::at("", "is invalid"));
        };
        Ok(Device {
            device_id,
            patient_id,
            manufacturer,
            model_type,
            serial_number,
            software_version,
            target_software_version,
            hw_model,
            pressure_setting: self.pressure_setting,
            flow_rate_setting: self.flow_rate_setting,
            flow_level_setting: self.flow_level_setting,
            latitude: self.latitude,
            longitude: self.longitude,
            battery_level: self.battery_level,
            plugged: self.plugged,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_errors_are_reported_at_once() {
        let draft = DeviceDraft {
            device_id: String::new(),
            patient_id: Some("P/1".to_owned()),
            manufacturer: "Acme".to_owned(),
            model_type: "x".repeat(101),
            serial_number: "SN\n1".to_owned(),
            software_version: "1.2.0".to_owned(),
            target_software_version: None,
            hw_model: "RMD-100".to_owned(),
            pressure_setting: -1.0,
            flow_rate_setting: f64::NAN,
            flow_level_setting: 120.0,
            latitude: Some(91.0),
            longitude: None,
            battery_level: Some(101),
            plugged: true,
        };
        let invalid = draft.parse().unwrap_err();
        let lines: Vec<_> = invalid
            .errors()
            .iter()
            .map(|e| format!("{} {}", e.pointer, e.detail))
            .collect();
        assert_eq!(
            lines,
            [
                "/deviceId must not be empty",
                "/patientId must consist of letters, digits, '-', '_' and '.', but contains '/'",
                "/modelType must have at most 100 characters",
                "/serialNumber must not contain control characters",
                "/pressureSetting must not be negative",
                "/flowRateSetting must be between 0 and 1000",
                "/latitude must be between -90 and 90",
                "/longitude must be given together with latitude",
                "/batteryLevel must be between 0 and 100",
            ]
        );
    }
}
