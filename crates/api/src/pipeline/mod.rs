//! What happens between a prescription and its verdict: topics, schemas, the connector, its replication slot and Flink's
//! statements, each looked at when somebody asks.
//!
//! The parts are asked at the same time and each has its own time limit, so that a dead one neither delays nor hides the
//! others. Nothing is remembered from an earlier look, but for the search for a record that cannot be read: see [`unread`].
//!
//! No part shows the words of somebody else's exception: they can contain values of rows and records. See [`redact`].

mod connector;
mod failure;
mod flink;
mod redact;
mod service;
mod slot;
mod statements;
mod subjects;
mod topics;
mod unread;

use std::{future::Future, time::Duration};

use serde::Serialize;
use tokio::time::timeout;
use utoipa::ToSchema;

pub use connector::{Connector, Task, Verdict};
pub use flink::{Job, Place};
pub use slot::Slot;
pub use statements::Statement;
pub use subjects::Subject;
pub use topics::{Consumer, Partition, Position, Topic, TopicLayer};

use crate::{config::PipelineArgs, database::Pool, kafka::Kafka, projection::Projection};
use service::Service;
use unread::Searches;

/// Longest time that a part is waited for, and so the longest time of a look at all: the whole answer is promised within
/// 2 s.
const LIMIT: Duration = Duration::from_millis(1_500);
/// Of a part, for what it asks second: the answers that it has by then are shown.
const INNER_LIMIT: Duration = Duration::from_millis(1_200);
/// Of a part, for what it asks third. Together with what it does then, it must be over before the part's own limit.
const SEARCH_LIMIT: Duration = Duration::from_millis(1_450);

/// How a part is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum PartState {
    Ok,
    /// It answers, and something is wrong
    Degraded,
    /// It does not answer
    Unavailable,
    /// Not configured
    Disabled,
}

/// A part of the pipeline.
#[derive(Debug, Serialize, ToSchema)]
pub struct Part<T> {
    pub state: PartState,
    /// What is wrong, or what is missing, and what to do about it
    #[schema(required)]
    pub reason: Option<String>,
    /// What was found; absent when nobody answered
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content: Option<T>,
}

impl<T> Part<T> {
    /// Degraded when there is a reason.
    fn found(content: T, wrong: Option<String>) -> Self {
        Self {
            state: match wrong {
                None => PartState::Ok,
                Some(_) => PartState::Degraded,
            },
            reason: wrong,
            content: Some(content),
        }
    }

    fn without(state: PartState, reason: String) -> Self {
        Self {
            state,
            reason: Some(reason),
            content: None,
        }
    }

    fn unavailable(reason: impl Into<String>) -> Self {
        Self::without(PartState::Unavailable, reason.into())
    }

    fn not_set(settings: &str) -> Self {
        Self::without(PartState::Disabled, format!("{settings} is not set."))
    }
}

/// The whole pipeline, as it was when it was asked.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PipelineStatus {
    /// `ok` when every part that is configured is
    pub state: PartState,
    pub topics: Part<Vec<Topic>>,
    pub subjects: Part<Vec<Subject>>,
    pub connector: Part<Connector>,
    pub replication_slot: Part<Slot>,
    pub statements: Part<Vec<Statement>>,
}

/// Knows where the parts are.
#[derive(Debug)]
pub struct Pipeline {
    kafka: Option<Kafka>,
    projection: Option<Projection>,
    pool: Option<Pool>,
    connect: Option<Service>,
    connector: String,
    slot: String,
    gateway: Option<Service>,
    statements_path: Vec<String>,
    flink: Option<Service>,
    searches: Searches,
}

impl Pipeline {
    /// # Errors
    /// When an address is not one.
    pub fn new(
        args: &PipelineArgs,
        pool: Option<Pool>,
        kafka: Option<Kafka>,
        projection: Option<Projection>,
    ) -> anyhow::Result<Self> {
        let gateway = Service::new("STATEMENTS_GATEWAY_URL", &args.statements_gateway_url)?;
        let (key, secret) = (&args.statements_api_key, &args.statements_api_secret);
        Ok(Self {
            kafka,
            projection,
            pool,
            connect: Service::new("CONNECT_URL", &args.connect_url)?,
            connector: args.connector().to_owned(),
            slot: connector::SLOT.to_owned(),
            gateway: gateway.map(|gateway| gateway.with_key(key, secret)),
            statements_path: statements::path(&args.org_id, &args.environment_id),
            flink: Service::new("FLINK_REST_URL", &args.flink_rest_url)?,
            searches: Searches::default(),
        })
    }

    /// Another replication slot than the connector's own, for tests that share a server.
    #[must_use]
    pub fn with_slot(self, slot: impl Into<String>) -> Self {
        Self {
            slot: slot.into(),
            ..self
        }
    }

    /// Looks at every part, for 1.5 s at the most.
    pub async fn status(&self) -> PipelineStatus {
        let (topics, subjects, connector, replication_slot, statements) = tokio::join!(
            within("Kafka", self.topics()),
            within("The schema registry", self.subjects()),
            within("Kafka Connect", self.connector()),
            within("Postgres", self.replication_slot()),
            within("The statements gateway", self.statements()),
        );
        let states = [
            topics.state,
            subjects.state,
            connector.state,
            replication_slot.state,
            statements.state,
        ];
        PipelineStatus {
            state: summary(&states),
            topics,
            subjects,
            connector,
            replication_slot,
            statements,
        }
    }
}

async fn within<T>(who: &str, look: impl Future<Output = Part<T>>) -> Part<T> {
    timeout(LIMIT, look).await.unwrap_or_else(|_| {
        let seconds = LIMIT.as_secs_f64();
        Part::unavailable(format!("{who} did not answer within {seconds} s."))
    })
}

fn summary(states: &[PartState]) -> PartState {
    let has = |state| states.contains(&state);
    if has(PartState::Degraded) || has(PartState::Unavailable) {
        PartState::Degraded
    } else if has(PartState::Ok) {
        PartState::Ok
    } else {
        PartState::Disabled
    }
}

/// `1 part`, `2 parts`
fn counted(count: usize, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_is_as_good_as_its_worst_part() {
        use PartState::{Degraded, Disabled, Ok, Unavailable};
        assert_eq!(summary(&[Ok, Disabled]), Ok);
        assert_eq!(summary(&[Ok, Degraded]), Degraded);
        assert_eq!(summary(&[Unavailable, Disabled]), Degraded);
        assert_eq!(summary(&[Disabled, Disabled]), Disabled);
    }
}
