//! The schemas of the product's topics.

use futures::future::join_all;
use hc_contracts::topics;
use serde::Serialize;
use utoipa::ToSchema;

use super::{Part, Pipeline, counted};

/// A subject of the schema registry.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PipelineSubject)]
pub struct Subject {
    #[schema(examples("hc_fct_drift_evts-value"))]
    name: String,
    /// The newest version; null when nothing is registered
    #[schema(required)]
    version: Option<i32>,
    /// The id that records of this version carry
    #[schema(required)]
    schema_id: Option<u32>,
}

impl Pipeline {
    pub(super) async fn subjects(&self) -> Part<Vec<Subject>> {
        let Some(kafka) = &self.kafka else {
            return Part::not_set("KAFKA_BOOTSTRAP_SERVERS with SCHEMA_REGISTRY_URL");
        };
        let names = topics::ALL
            .iter()
            .flat_map(|(topic, _)| ["key", "value"].map(|role| format!("{topic}-{role}")));
        let asked = names.map(|name| {
            let name = kafka.name(&name);
            async move {
                let latest = kafka.registry.latest(&name).await?;
                Ok(Subject {
                    version: latest.as_ref().map(|latest| latest.version),
                    schema_id: latest.map(|latest| latest.id),
                    name,
                })
            }
        });
        let answers: Result<Vec<Subject>, hc_kafka::RegistryError> =
            join_all(asked).await.into_iter().collect();
        match answers {
            Ok(subjects) => {
                let wrong = wrong(&subjects);
                Part::found(subjects, wrong)
            }
            Err(error) => {
                tracing::debug!(%error, "the schema registry");
                let transient = if error.is_transient() {
                    "does not answer; records of schemas that are not known yet wait until it does."
                } else {
                    "refuses to answer; see SCHEMA_REGISTRY_URL and SCHEMA_REGISTRY_BASIC_AUTH_USER_INFO."
                };
                Part::unavailable(format!("The schema registry {transient}"))
            }
        }
    }
}

fn wrong(subjects: &[Subject]) -> Option<String> {
    let missing: Vec<&str> = subjects
        .iter()
        .filter(|subject| subject.version.is_none())
        .map(|subject| subject.name.as_str())
        .collect();
    (!missing.is_empty()).then(|| {
        let count = counted(missing.len(), "subject");
        format!("{count} without a schema yet: {}.", missing.join(", "))
    })
}
