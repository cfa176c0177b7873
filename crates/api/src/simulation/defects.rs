//! Which defects act on which devices, and how far they are.

use std::{
    collections::{BTreeSet, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
};

use hc_domain::{DeviceId, EpochMillis};
use hc_simulator::{Active, DefectKind};
use uuid::Uuid;

/// Ended defects that can still be asked for.
const KEPT: usize = 1_000;

/// A defect of a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Defect {
    pub id: Uuid,
    pub device_id: DeviceId,
    pub kind: DefectKind,
    pub state: DefectState,
    /// Rounds of the device on which it has acted.
    pub rounds_done: u32,
    /// Story time of the first of them.
    pub since: Option<EpochMillis>,
    /// Wall time.
    pub started_at: EpochMillis,
    /// Wall time.
    pub ended_at: Option<EpochMillis>,
}

/// Where a defect is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DefectState {
    /// The device has not reported since.
    Waiting,
    Active,
    /// A one-shot that has acted on all of its rounds.
    Done,
    Cancelled,
}

impl DefectState {
    /// Nothing more will happen.
    pub fn is_over(self) -> bool {
        matches!(self, Self::Done | Self::Cancelled)
    }
}

/// All defects: the routes begin and cancel them, the task of the simulation moves them on.
#[derive(Debug, Default)]
pub struct Defects(Mutex<VecDeque<Defect>>);

impl Defects {
    /// Begins a defect, or says which one of that kind the device already has.
    pub(super) fn begin(
        &self,
        id: Uuid,
        device_id: DeviceId,
        kind: DefectKind,
        now: EpochMillis,
    ) -> Result<Defect, Uuid> {
        let mut all = self.lock();
        let same = |defect: &&Defect| {
            defect.kind == kind && defect.device_id == device_id && !defect.state.is_over()
        };
        if let Some(defect) = all.iter().find(same) {
            return Err(defect.id);
        }
        let defect = Defect {
            id,
            device_id,
            kind,
            state: DefectState::Waiting,
            rounds_done: 0,
            since: None,
            started_at: now,
            ended_at: None,
        };
        all.push_back(defect.clone());
        let over = all.iter().filter(|defect| defect.state.is_over()).count();
        if over > KEPT
            && let Some(oldest) = all.iter().position(|defect| defect.state.is_over())
        {
            all.remove(oldest);
        }
        Ok(defect)
    }

    /// Those that are not over, oldest first, of one device or of all.
    pub fn list(&self, device: Option<&DeviceId>) -> Vec<Defect> {
        self.lock()
            .iter()
            .filter(|defect| !defect.state.is_over())
            .filter(|defect| device.is_none_or(|device| *device == defect.device_id))
            .cloned()
            .collect()
    }

    /// One of them, also when it is over.
    pub fn get(&self, id: Uuid) -> Option<Defect> {
        self.lock().iter().find(|defect| defect.id == id).cloned()
    }

    /// Ends a defect; whether there is one. The device's next round is without it.
    pub fn cancel(&self, id: Uuid, now: EpochMillis) -> bool {
        let mut all = self.lock();
        let found = all.iter_mut().find(|defect| defect.id == id);
        let is_known = found.is_some();
        if let Some(defect) = found.filter(|defect| !defect.state.is_over()) {
            defect.state = DefectState::Cancelled;
            defect.ended_at = Some(now);
        }
        is_known
    }

    /// The devices with a one-shot that is not over, which report also while the simulation is stopped.
    pub(super) fn one_shot_devices(&self) -> BTreeSet<DeviceId> {
        self.lock()
            .iter()
            .filter(|defect| !defect.state.is_over() && defect.kind.steps().is_some())
            .map(|defect| defect.device_id.clone())
            .collect()
    }

    /// Ends the one-shots of devices that nobody wears any more.
    pub(super) fn cancel_one_shots(&self, of: &DeviceId, now: EpochMillis) {
        for defect in self.lock().iter_mut() {
            if defect.device_id == *of && defect.kind.steps().is_some() && !defect.state.is_over() {
                defect.state = DefectState::Cancelled;
                defect.ended_at = Some(now);
            }
        }
    }

    /// What acts on the device in its round at story time `ts`.
    pub(super) fn begin_round(&self, device: &DeviceId, ts: EpochMillis) -> Vec<Active> {
        let mut all = self.lock();
        let acting = all
            .iter_mut()
            .filter(|defect| defect.device_id == *device && !defect.state.is_over());
        acting
            .map(|defect| {
                defect.state = DefectState::Active;
                Active {
                    kind: defect.kind,
                    since: *defect.since.get_or_insert(ts),
                    round: defect.rounds_done,
                }
            })
            .collect()
    }

    /// The round that was begun for these devices has been delivered.
    pub(super) fn end_round(&self, devices: &BTreeSet<DeviceId>, now: EpochMillis) {
        let mut all = self.lock();
        let acted = all.iter_mut().filter(|defect| {
            defect.state == DefectState::Active && devices.contains(&defect.device_id)
        });
        for defect in acted {
            defect.rounds_done += 1;
            if defect.kind.steps() == Some(defect.rounds_done) {
                defect.state = DefectState::Done;
                defect.ended_at = Some(now);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Defect>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ended_defects_are_forgotten_after_a_while_and_active_ones_never() {
        let defects = Defects::default();
        let device: DeviceId = "DEV-P001".parse().unwrap();
        let begin = |id, kind| defects.begin(Uuid::from_u128(id), device.clone(), kind, 1);
        let lasting = begin(1, DefectKind::MaskLeak).unwrap();
        assert_eq!(begin(2, DefectKind::MaskLeak), Err(lasting.id));
        let count = u128::try_from(KEPT).unwrap() + 10;
        for id in 10..10 + count {
            begin(id, DefectKind::Spike).unwrap();
            assert!(defects.cancel(Uuid::from_u128(id), 2));
        }
        assert_eq!(defects.get(Uuid::from_u128(10)), None);
        assert_eq!(defects.list(Some(&device)), [lasting]);
        assert!(!defects.cancel(Uuid::from_u128(10), 3));
    }
}
