//! One supervised process: its description, and the task that starts, watches, restarts and stops it.

use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use futures::future::BoxFuture;
use nix::sys::signal::Signal;
use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, oneshot, watch};

use crate::child::{self, CommandSpec, Running};
use crate::health::Health;
use crate::log_file;
use crate::report::{Report, seconds, tail};

/// Something to do around a start.
pub type Step = Arc<dyn Fn() -> BoxFuture<'static, anyhow::Result<()>> + Send + Sync>;

/// A process to supervise.
#[derive(Clone)]
pub struct UnitSpec {
    pub name: String,
    /// Units that are stopped after this one.
    pub needs: Vec<String>,
    /// Units that must be ready before this one is started.
    pub waits_for: Vec<String>,
    /// Units that go first at the first start; one that fails holds nobody up.
    pub yields_to: Vec<String>,
    /// Runs before each start.
    pub prepare: Option<Step>,
    pub command: CommandSpec,
    pub health: Health,
    /// Runs when the process answers, before it counts as ready.
    pub finish: Option<Step>,
    /// Asks the process to end in good order.
    pub stop_signal: Signal,
    /// Shown when it is ready.
    pub address: String,
    pub ready_within: Duration,
    pub stop_within: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// For the units it waits for.
    Waiting,
    Starting,
    Ready,
    /// Runs, and does not answer.
    Unhealthy,
    /// Ended, and will be started again after the pause.
    BackingOff,
    Stopping,
    Stopped,
    /// Ended, and stays down.
    Failed,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Status {
    pub state: State,
    pub pid: Option<u32>,
    /// Unix time in milliseconds of the last change.
    pub since: u64,
    pub restarts: u32,
    /// Seconds from the start of the process until it was ready.
    pub start_seconds: Option<f64>,
    /// Why, for a state that needs a reason.
    pub note: Option<String>,
}

/// Whether a process that ends by itself is started again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Restart {
    WithBackOff,
    Never,
}

pub(crate) enum Order {
    /// Stop in good order; afterwards the unit is `Stopped` and can be started again.
    Stop(oneshot::Sender<()>),
    /// SIGKILL, and stay down.
    Kill(oneshot::Sender<()>),
    Start,
}

/// How a task is spoken to.
#[derive(Clone)]
pub(crate) struct UnitHandle {
    pub(crate) needs: Vec<String>,
    pub(crate) orders: mpsc::UnboundedSender<Order>,
    pub(crate) status: watch::Receiver<Status>,
}

const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// A process that ends this often without ever having been ready will not do better the next time.
const ATTEMPTS: u32 = 3;
/// A process that ran this long has earned the first pause again.
const STEADY: Duration = Duration::from_secs(60);
const POLL_STARTING: Duration = Duration::from_millis(100);
const POLL_READY: Duration = Duration::from_secs(2);
/// A process that does not answer for this long is killed and started again; shorter silences are a busy machine.
const SILENCE: Duration = Duration::from_secs(60);
/// Shorter ones are not worth a line.
const NOTICEABLE: Duration = Duration::from_secs(5);

pub(crate) struct Unit {
    spec: UnitSpec,
    policy: Restart,
    report: Report,
    peers: BTreeMap<String, watch::Receiver<Status>>,
    first: Vec<watch::Receiver<Status>>,
    status: watch::Sender<Status>,
    running: Option<Running>,
    /// When the process was started, in Unix milliseconds.
    born: u64,
}

enum Next {
    Order(Order),
    Ended(String),
}

/// Starts the task of a unit on the current runtime; the unit starts at once.
pub(crate) fn launch(
    spec: UnitSpec,
    policy: Restart,
    report: Report,
    peers: BTreeMap<String, watch::Receiver<Status>>,
    first: Vec<watch::Receiver<Status>>,
) -> UnitHandle {
    let (orders, inbox) = mpsc::unbounded_channel();
    let (status, watcher) = watch::channel(Status {
        state: State::Waiting,
        pid: None,
        since: now_millis(),
        restarts: 0,
        start_seconds: None,
        note: None,
    });
    let needs = spec.needs.clone();
    let unit = Unit {
        spec,
        policy,
        report,
        peers,
        first,
        status,
        running: None,
        born: 0,
    };
    tokio::spawn(unit.serve(inbox));
    UnitHandle {
        needs,
        orders,
        status: watcher,
    }
}

impl Unit {
    async fn serve(mut self, mut inbox: mpsc::UnboundedReceiver<Order>) {
        let mut pause = FIRST_PAUSE;
        let mut up = true;
        loop {
            let started = Instant::now();
            let next = if up {
                tokio::select! {
                    biased;
                    Some(order) = inbox.recv() => Next::Order(order),
                    reason = self.life() => Next::Ended(reason),
                }
            } else {
                match inbox.recv().await {
                    Some(order) => Next::Order(order),
                    None => return,
                }
            };
            match next {
                Next::Order(Order::Start) => up = true,
                Next::Order(Order::Stop(done)) => {
                    self.stop().await;
                    up = false;
                    let _ = done.send(());
                }
                Next::Order(Order::Kill(done)) => {
                    self.kill().await;
                    self.set(State::Stopped, Some("killed".into()));
                    up = false;
                    let _ = done.send(());
                }
                Next::Ended(reason) => {
                    self.kill().await;
                    let (restarts, was_ready) = {
                        let status = self.status.borrow();
                        (status.restarts, status.start_seconds.is_some())
                    };
                    if self.policy == Restart::Never || (!was_ready && restarts + 1 >= ATTEMPTS) {
                        self.report
                            .about(&self.spec.name, format!("FAILED: {reason}"));
                        self.set(State::Failed, Some(reason));
                        up = false;
                        continue;
                    }
                    if started.elapsed() > STEADY {
                        pause = FIRST_PAUSE;
                    }
                    self.report.about(
                        &self.spec.name,
                        format!(
                            "{reason}\n{:<12} starting it again in {}",
                            "",
                            seconds(pause)
                        ),
                    );
                    self.set(State::BackingOff, Some(reason));
                    self.status.send_modify(|status| status.restarts += 1);
                    tokio::select! {
                        () = tokio::time::sleep(pause) => {}
                        Some(order) = inbox.recv() => match order {
                            Order::Start => {}
                            Order::Stop(done) | Order::Kill(done) => {
                                self.set(State::Stopped, None);
                                up = false;
                                let _ = done.send(());
                            }
                        }
                    }
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
            }
        }
    }

    /// From waiting to the end of the process; returns why it ended.
    async fn life(&mut self) -> String {
        match self.start().await {
            Ok(()) => self.watch().await,
            Err(error) => format!("{error:#}"),
        }
    }

    async fn start(&mut self) -> anyhow::Result<()> {
        self.set(State::Waiting, None);
        for mut peer in std::mem::take(&mut self.first) {
            let gone_first =
                |status: &Status| !matches!(status.state, State::Waiting | State::Starting);
            peer.wait_for(gone_first).await?;
        }
        for peer in self.peers.values_mut() {
            peer.wait_for(|status| status.state == State::Ready).await?;
        }
        let started = Instant::now();
        self.set(State::Starting, None);
        log_file::rotate_at_start(&self.spec.command.log)?;
        if let Some(prepare) = &self.spec.prepare {
            prepare().await?;
        }
        self.born = now_millis();
        let mut running = child::spawn(&self.spec.command).await?;
        self.running = Some(running.clone());
        self.set(State::Starting, None);

        let asking = async {
            loop {
                match self.spec.health.check(self.born).await {
                    Ok(()) => return,
                    Err(error) => {
                        tracing::debug!(unit = %self.spec.name, error = format!("{error:#}"), "not ready yet");
                        tokio::time::sleep(POLL_STARTING).await;
                    }
                }
            }
        };
        tokio::select! {
            status = running.ended() => anyhow::bail!("{}", self.ended_text(status)),
            answered = tokio::time::timeout(self.spec.ready_within, asking) => {
                if answered.is_err() {
                    anyhow::bail!(
                        "no answer within {}; the end of {}:\n{}",
                        seconds(self.spec.ready_within),
                        self.spec.command.log.display(),
                        tail(&self.spec.command.log, 8),
                    );
                }
            }
        }
        if let Some(finish) = &self.spec.finish {
            finish().await?;
        }
        let took = started.elapsed();
        self.report.about(
            &self.spec.name,
            format!("ready in {:>6}   {}", seconds(took), self.spec.address),
        );
        self.status
            .send_modify(|status| status.start_seconds = Some(took.as_secs_f64()));
        self.set(State::Ready, None);
        Ok(())
    }

    async fn watch(&mut self) -> String {
        let Some(mut running) = self.running.clone() else {
            return "it was never started".into();
        };
        let mut silent_since: Option<Instant> = None;
        loop {
            tokio::select! {
                status = running.ended() => return self.ended_text(status),
                () = tokio::time::sleep(POLL_READY) => {}
            }
            if let Err(error) = log_file::rotate_by_size(&self.spec.command.log) {
                tracing::warn!(unit = %self.spec.name, %error, "rotating its log failed");
            }
            let answer = tokio::select! {
                status = running.ended() => return self.ended_text(status),
                answer = self.spec.health.check(self.born) => answer,
            };
            match (answer, silent_since) {
                (Ok(()), None) => {}
                (Ok(()), Some(since)) => {
                    if since.elapsed() > NOTICEABLE {
                        self.report.about(
                            &self.spec.name,
                            format!("answers again after {}", seconds(since.elapsed())),
                        );
                    }
                    silent_since = None;
                    self.set(State::Ready, None);
                }
                (Err(error), None) => {
                    silent_since = Some(Instant::now());
                    self.set(State::Unhealthy, Some(format!("{error:#}")));
                }
                (Err(error), Some(since)) if since.elapsed() > SILENCE => {
                    return format!(
                        "runs but has not answered for {}: {error:#}",
                        seconds(since.elapsed())
                    );
                }
                (Err(_), Some(_)) => {}
            }
        }
    }

    async fn stop(&mut self) {
        let Some(mut running) = self.running.take() else {
            self.set(State::Stopped, None);
            return;
        };
        self.set(State::Stopping, None);
        let started = Instant::now();
        running.signal(self.spec.stop_signal, false);
        if tokio::time::timeout(self.spec.stop_within, running.ended())
            .await
            .is_err()
        {
            running.signal(Signal::SIGKILL, true);
            running.ended().await;
            self.report.about(
                &self.spec.name,
                format!(
                    "killed: it had not ended {} after it was asked to",
                    seconds(self.spec.stop_within)
                ),
            );
        } else {
            self.report.about(
                &self.spec.name,
                format!("stopped in {}", seconds(started.elapsed())),
            );
        }
        self.set(State::Stopped, None);
    }

    async fn kill(&mut self) {
        if let Some(mut running) = self.running.take() {
            running.signal(Signal::SIGKILL, true);
            running.ended().await;
        }
    }

    fn ended_text(&self, status: std::process::ExitStatus) -> String {
        let name = &self.spec.name;
        match status.signal() {
            // Killed from outside: its log does not know why.
            Some(_) => format!("ended with {status}"),
            None => format!(
                "ended with {status}; the end of its log (hc-platform logs {name}):\n{}",
                tail(&self.spec.command.log, 8)
            ),
        }
    }

    fn set(&self, state: State, note: Option<String>) {
        let pid = self.running.as_ref().map(|running| running.pid);
        self.status.send_modify(|status| {
            status.state = state;
            status.pid = pid;
            status.since = now_millis();
            status.note = note;
        });
    }
}

pub(crate) fn now_millis() -> u64 {
    SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |elapsed| {
            u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX)
        })
}
