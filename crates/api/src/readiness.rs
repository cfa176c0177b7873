//! What the service depends on, and whether it answers.

use std::time::Duration;

use hc_kafka::ConsumerState;
use tokio::{sync::watch, time::timeout};

use crate::{
    simulation::{KafkaState, SimulationHandle},
    state::Records,
};

/// Longest time for a check.
const LIMIT: Duration = Duration::from_secs(2);

/// What is known about one dependency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    pub name: &'static str,
    pub state: State,
    pub detail: String,
}

/// How a dependency is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    Ok,
    /// Not configured.
    Disabled,
    Unavailable,
}

/// Knows the dependencies.
#[derive(Debug, Clone)]
pub struct Readiness {
    /// The consumer of drift verdicts, when it runs.
    pub drift: Option<watch::Receiver<ConsumerState>>,
    pub simulation: SimulationHandle,
}

impl Readiness {
    /// Asks all of them.
    pub async fn check(&self, records: &Records) -> Vec<Check> {
        vec![postgres(records).await, self.kafka().await, self.drift()]
    }

    async fn kafka(&self) -> Check {
        let (state, detail) = match self.simulation.kafka().await {
            KafkaState::Disabled => (
                State::Disabled,
                "KAFKA_BOOTSTRAP_SERVERS is not set; readings reach the screen only",
            ),
            KafkaState::Connected => (State::Ok, "answers"),
            KafkaState::Unavailable => (State::Unavailable, "does not answer"),
        };
        Check {
            name: "kafka",
            state,
            detail: detail.to_owned(),
        }
    }

    fn drift(&self) -> Check {
        let (state, detail) = match self.drift.as_ref().map(|state| state.borrow().clone()) {
            None => (State::Disabled, "needs a database and Kafka".to_owned()),
            Some(ConsumerState::Reading { caught_up: true }) => {
                (State::Ok, "has read every verdict".to_owned())
            }
            Some(ConsumerState::Reading { caught_up: false }) => {
                (State::Ok, "is catching up".to_owned())
            }
            // Before the pipelines are deployed there is no topic, which is no fault of this service.
            Some(ConsumerState::WaitingForTopic) => {
                (State::Ok, "waits for the topic of verdicts".to_owned())
            }
            Some(ConsumerState::Starting) => (State::Ok, "is starting".to_owned()),
            Some(ConsumerState::BackingOff { reason }) => {
                tracing::warn!(reason, "the drift projection is backing off");
                (State::Unavailable, "failed and is trying again".to_owned())
            }
            Some(ConsumerState::Stopped) => (State::Unavailable, "has stopped".to_owned()),
        };
        Check {
            name: "drift-projection",
            state,
            detail,
        }
    }
}

async fn postgres(records: &Records) -> Check {
    let (state, detail) = match records.pool() {
        None => (
            State::Disabled,
            "DATABASE_URL is not set; demonstration data is shown",
        ),
        Some(pool) => {
            let answer = timeout(
                LIMIT,
                sqlx::query_scalar::<_, i32>("SELECT 1").fetch_one(pool),
            )
            .await;
            if matches!(answer, Ok(Ok(_))) {
                (State::Ok, "answers")
            } else {
                (State::Unavailable, "does not answer")
            }
        }
    };
    Check {
        name: "postgres",
        state,
        detail: detail.to_owned(),
    }
}
