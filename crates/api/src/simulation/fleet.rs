//! The devices that somebody wears, as they are set now.

use std::{collections::BTreeSet, time::Duration};

use hc_domain::{Device, DeviceId};
use tokio::time::Instant;

use super::handle::Scope;
use crate::state::Records;

/// A changed setting acts after this time at the latest.
const AGE: Duration = Duration::from_secs(1);

/// Reads the devices now and then instead of at every round, of which there may be hundreds a second.
#[derive(Debug, Default)]
pub(super) struct Fleet {
    devices: Vec<Device>,
    read_at: Option<Instant>,
}

impl Fleet {
    /// Reads the devices, unless that was just done. After an error those that were read before stay.
    pub(super) async fn refresh(&mut self, records: &Records) -> sqlx::Result<()> {
        if self.read_at.is_some_and(|at| at.elapsed() < AGE) {
            return Ok(());
        }
        self.devices = records.worn_devices().await?;
        self.read_at = Some(Instant::now());
        Ok(())
    }

    /// The next refresh reads, however short ago the last one was.
    pub(super) fn expire(&mut self) {
        self.read_at = None;
    }

    pub(super) fn all(&self) -> &[Device] {
        &self.devices
    }

    /// Those in the scope, and these others.
    pub(super) fn reporting(
        &self,
        scope: Option<&Scope>,
        others: &BTreeSet<DeviceId>,
    ) -> impl Iterator<Item = &Device> {
        self.devices.iter().filter(move |device| {
            scope.is_some_and(|scope| scope.includes(device)) || others.contains(&device.device_id)
        })
    }
}
