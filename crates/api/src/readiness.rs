//! What the service depends on, and whether it answers.

use std::time::Duration;

use hc_kafka::ConsumerState;
use sqlx::Connection as _;
use tokio::{
    sync::watch,
    task::JoinSet,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use crate::{kafka::Kafka, projection::Projection, state::Records};

/// Longest time for a check.
const LIMIT: Duration = Duration::from_secs(2);
/// Time between two looks at Kafka.
const KAFKA_EVERY: Duration = Duration::from_secs(2);

/// Whether Kafka can be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KafkaState {
    Connected,
    /// Not configured.
    Disabled,
    /// Does not answer, or was not asked yet.
    Unavailable,
}

/// Looks at Kafka every few seconds, so that nobody who wants to know has to wait for a broker that is gone.
pub fn watch_kafka(
    kafka: Option<&Kafka>,
    tasks: &mut JoinSet<()>,
    shutdown: CancellationToken,
) -> watch::Receiver<KafkaState> {
    let Some(kafka) = kafka.cloned() else {
        return watch::channel(KafkaState::Disabled).1;
    };
    let (sender, receiver) = watch::channel(KafkaState::Unavailable);
    let look = async move {
        loop {
            let answer = timeout(LIMIT, kafka.admin.ping(LIMIT)).await;
            let state = if matches!(answer, Ok(Ok(_))) {
                KafkaState::Connected
            } else {
                KafkaState::Unavailable
            };
            if sender.send_replace(state) != state {
                tracing::info!(?state, "kafka");
            }
            sleep(KAFKA_EVERY).await;
        }
    };
    tasks.spawn(async move {
        shutdown.run_until_cancelled(look).await;
    });
    receiver
}

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
    pub drift: Option<Projection>,
    pub kafka: watch::Receiver<KafkaState>,
}

impl Readiness {
    /// Asks all of them.
    pub async fn check(&self, records: &Records) -> Vec<Check> {
        vec![postgres(records).await, self.kafka(), self.drift()]
    }

    fn kafka(&self) -> Check {
        let (state, detail) = match *self.kafka.borrow() {
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
        let (state, detail) = match self
            .drift
            .as_ref()
            .map(|drift| drift.state.borrow().clone())
        {
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
            let ask = async {
                let mut db = pool.acquire().await?;
                db.ping().await?;
                db.release();
                Ok::<_, sqlx::Error>(())
            };
            if matches!(timeout(LIMIT, ask).await, Ok(Ok(()))) {
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
