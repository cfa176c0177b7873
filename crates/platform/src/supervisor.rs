//! All units of a stack: added in order, waited for, stopped in reverse.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, bail};
use futures::future::join_all;
use tokio::sync::oneshot;

use crate::report::Report;
use crate::state::StateFile;
use crate::unit::{self, Order, Restart, State, Status, UnitHandle, UnitSpec};

/// The units of one stack. Must be used within a Tokio runtime, which carries their tasks.
#[derive(Clone)]
pub struct Supervisor {
    units: Arc<Mutex<BTreeMap<String, UnitHandle>>>,
    policy: Restart,
    report: Report,
    state_file: Option<StateFile>,
}

impl Supervisor {
    /// With `state_file`, every change of a unit is written there for `status`.
    pub fn new(policy: Restart, report: Report, state_file: Option<PathBuf>) -> Self {
        Self {
            units: Arc::default(),
            policy,
            report,
            state_file: state_file.map(StateFile::new),
        }
    }

    /// Starts a unit. Those it waits for must have been added before; the ones that are not part of this stack do not count.
    pub fn add(&self, spec: UnitSpec) {
        let mut units = self.units();
        let watchers = |names: &[String]| {
            names
                .iter()
                .filter_map(|name| Some((name.clone(), units.get(name)?.status.clone())))
                .collect::<BTreeMap<_, _>>()
        };
        let peers = watchers(&spec.waits_for);
        let first = watchers(&spec.yields_to).into_values().collect();
        let name = spec.name.clone();
        let log = spec.command.log.clone();
        let handle = unit::launch(spec, self.policy, self.report.clone(), peers, first);
        if let Some(file) = &self.state_file {
            file.follow(name.clone(), log, handle.status.clone());
        }
        units.insert(name, handle);
    }

    pub fn status(&self) -> BTreeMap<String, Status> {
        self.units()
            .iter()
            .map(|(name, handle)| (name.clone(), handle.status.borrow().clone()))
            .collect()
    }

    /// Waits until `names` are ready.
    ///
    /// # Errors
    /// One of them failed for good, is unknown, or was not ready within `patience`; with the reason and its log's end.
    pub async fn ready(&self, names: &[&str], patience: Duration) -> anyhow::Result<()> {
        let waits = names.iter().map(|name| self.ready_one(name, patience));
        for outcome in join_all(waits).await {
            outcome?;
        }
        Ok(())
    }

    async fn ready_one(&self, name: &str, patience: Duration) -> anyhow::Result<()> {
        let mut watcher = self.handle(name)?.status;
        let reached = tokio::time::timeout(
            patience,
            watcher.wait_for(|status| matches!(status.state, State::Ready | State::Failed)),
        )
        .await;
        match reached {
            Ok(Ok(status)) if status.state == State::Ready => Ok(()),
            Ok(Ok(status)) => bail!("{name}: {}", status.note.clone().unwrap_or_default()),
            Ok(Err(_)) => bail!("{name} is no longer supervised"),
            Err(_) => {
                let note = self.handle(name)?.status.borrow().note.clone();
                bail!(
                    "{name} was not ready within {} s. {}",
                    patience.as_secs(),
                    note.unwrap_or_default()
                )
            }
        }
    }

    /// SIGKILL; the unit stays down until [`Supervisor::start`].
    ///
    /// # Errors
    /// No such unit.
    pub async fn kill(&self, name: &str) -> anyhow::Result<()> {
        self.order(name, Order::Kill).await
    }

    /// Asks the process to end, and waits for it; the unit stays down until [`Supervisor::start`].
    ///
    /// # Errors
    /// No such unit.
    pub async fn stop(&self, name: &str) -> anyhow::Result<()> {
        self.order(name, Order::Stop).await
    }

    /// Starts a unit that is down; see [`Supervisor::ready`] for the wait.
    ///
    /// # Errors
    /// No such unit.
    pub fn start(&self, name: &str) -> anyhow::Result<()> {
        self.handle(name)?
            .orders
            .send(Order::Start)
            .map_err(|_| anyhow::anyhow!("{name} is no longer supervised"))
    }

    /// Stops every unit, those that others need last. With `kill`, all at once and by SIGKILL.
    pub async fn stop_all(&self, kill: bool) {
        let mut left = self.units().clone();
        while !left.is_empty() {
            let wanted: Vec<String> = left
                .keys()
                .filter(|name| kill || !left.values().any(|other| other.needs.contains(name)))
                .cloned()
                .collect();
            join_all(
                wanted
                    .iter()
                    .map(|name| self.order(name, if kill { Order::Kill } else { Order::Stop })),
            )
            .await;
            left.retain(|name, _| !wanted.contains(name));
        }
        if let Some(file) = &self.state_file {
            file.remove();
        }
    }

    async fn order(
        &self,
        name: &str,
        order: impl FnOnce(oneshot::Sender<()>) -> Order,
    ) -> anyhow::Result<()> {
        let (done, wait) = oneshot::channel();
        self.handle(name)?
            .orders
            .send(order(done))
            .map_err(|_| anyhow::anyhow!("{name} is no longer supervised"))?;
        wait.await
            .with_context(|| format!("{name} is no longer supervised"))
    }

    fn handle(&self, name: &str) -> anyhow::Result<UnitHandle> {
        self.units()
            .get(name)
            .cloned()
            .with_context(|| format!("{name} is not part of this stack"))
    }

    fn units(&self) -> MutexGuard<'_, BTreeMap<String, UnitHandle>> {
        self.units.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
