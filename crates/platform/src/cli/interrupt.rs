//! What ends a command that runs in the foreground.

use std::time::Duration;

use nix::unistd::getppid;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::proc;

/// Listens from its creation on, so that a signal during the start is not lost.
pub(crate) struct Interrupt {
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
    parent: Option<nix::unistd::Pid>,
}

/// Why to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// Ctrl+C, which the terminal also sends to a command in the same group.
    CtrlC,
    Signal,
    ParentEnded,
}

impl Interrupt {
    /// # Errors
    /// The signal handlers cannot be installed.
    pub(crate) fn listen() -> anyhow::Result<Self> {
        let parent = getppid();
        // A process started with nohup is meant to outlive what started it, and one whose parent is init has none to watch.
        let watched = !proc::ignores_hangup() && parent.as_raw() > 1;
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
            parent: watched.then_some(parent),
        })
    }

    pub(crate) async fn wait(&mut self) -> Cause {
        let parent = self.parent;
        let orphaned = async {
            while parent.is_none_or(|parent| getppid() == parent) {
                tokio::time::sleep(Duration::from_millis(300)).await;
            }
        };
        tokio::select! {
            _ = self.interrupt.recv() => Cause::CtrlC,
            _ = self.terminate.recv() => Cause::Signal,
            _ = self.hangup.recv(), if parent.is_some() => Cause::Signal,
            () = orphaned => {
                // Said once: it stays true.
                self.parent = None;
                Cause::ParentEnded
            }
        }
    }
}
