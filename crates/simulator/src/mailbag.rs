//! Rounds that are delivered late.

use std::collections::{BTreeMap, VecDeque};

use hc_domain::{DeviceId, Reading};

use crate::defect::{Active, DefectKind, LATE_ROUNDS};

/// Holds back the rounds of devices with [`DefectKind::LateDelivery`]. The order of a device's readings stays.
#[derive(Debug, Default)]
pub struct Mailbag {
    held: BTreeMap<DeviceId, VecDeque<Vec<Reading>>>,
}

impl Mailbag {
    /// Takes the newest round of a device, and returns what is delivered with it: a round from before while the device
    /// is late, everything that was held once it no longer is.
    pub fn pass(
        &mut self,
        device: &DeviceId,
        round: Vec<Reading>,
        defects: &[Active],
    ) -> Vec<Reading> {
        let is_late = defects
            .iter()
            .any(|defect| defect.kind == DefectKind::LateDelivery);
        if is_late {
            let held = self.held.entry(device.clone()).or_default();
            held.push_back(round);
            if held.len() > LATE_ROUNDS {
                return held.pop_front().unwrap_or_default();
            }
            return Vec::new();
        }
        let mut all: Vec<Reading> = self
            .held
            .remove(device)
            .into_iter()
            .flatten()
            .flatten()
            .collect();
        all.extend(round);
        all
    }
}
