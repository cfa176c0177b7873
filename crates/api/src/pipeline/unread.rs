//! The records that jobs cannot read. Flink tells the topic and not the place, so the topic is searched.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    sync::watch,
    time::{Instant, timeout, timeout_at},
};

use super::{
    Pipeline,
    flink::{Job, Place, Unread},
};
use crate::kafka::Kafka;

/// Places that are shown of a topic.
const MOST: usize = 10;
/// How much before the last checkpoint to begin, for a job that was a little behind, milliseconds.
const MARGIN: i64 = 60_000;
/// Longest search.
const LIMIT: Duration = Duration::from_secs(60);

/// Searches by topic. One that takes longer than a look goes on, and a later look shows what it found.
#[derive(Debug, Default)]
pub(super) struct Searches(Mutex<HashMap<String, Search>>);

#[derive(Debug)]
struct Search {
    since: Option<i64>,
    /// `None` until it is over.
    places: watch::Receiver<Option<Vec<Place>>>,
}

impl Searches {
    /// What is found, or will be, of the records since a moment. As long as the jobs do not get further, that is the same.
    fn of(
        &self,
        kafka: &Kafka,
        topic: &str,
        since: Option<i64>,
    ) -> watch::Receiver<Option<Vec<Place>>> {
        let mut searches = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = searches.get(topic).filter(|known| known.since == since)
            && !matches!(&*known.places.borrow(), Some(places) if places.is_empty())
        {
            return known.places.clone();
        }
        let (found, places) = watch::channel(None);
        let search = Search {
            since,
            places: places.clone(),
        };
        searches.insert(topic.to_owned(), search);
        let (kafka, topic) = (kafka.clone(), topic.to_owned());
        tokio::spawn(async move {
            let outcome = match timeout(LIMIT, search_topic(&kafka, &topic, since)).await {
                Ok(outcome) => outcome,
                Err(_) => Err(anyhow::anyhow!("it took longer than {} s", LIMIT.as_secs())),
            };
            found.send_replace(Some(outcome.unwrap_or_else(|error| {
                tracing::warn!(topic, error = format!("{error:#}"), "searching a topic");
                Vec::new()
            })));
        });
        places
    }
}

impl Pipeline {
    /// Notes the places of the records that these jobs cannot read, as far as they are known by then.
    pub(super) async fn find_unreadable(
        &self,
        jobs: impl Iterator<Item = &mut Job>,
        deadline: Instant,
    ) {
        let Some(kafka) = &self.kafka else { return };
        let mut stuck: Vec<&mut Job> = jobs.filter(|job| job.unread.is_some()).collect();
        // Every topic once, since as long ago as any of its readers needs.
        let mut topics: BTreeMap<String, Option<i64>> = BTreeMap::new();
        for Unread { topic, since } in stuck.iter().filter_map(|job| job.unread.as_ref()) {
            let earliest = topics.entry(topic.clone()).or_insert(*since);
            *earliest = (*earliest).min(*since);
        }
        for (topic, since) in topics {
            let mut search = self.searches.of(kafka, &topic, since);
            let over = timeout_at(deadline, search.wait_for(Option::is_some)).await;
            let Ok(Ok(Some(places))) = over.map(|over| over.map(|places| places.clone())) else {
                continue;
            };
            let reads = |job: &&mut &mut Job| {
                let unread = job.unread.as_ref();
                unread.is_some_and(|unread| unread.topic == topic)
            };
            for job in stuck.iter_mut().filter(reads) {
                job.unreadable.clone_from(&places);
            }
        }
    }
}

async fn search_topic(
    kafka: &Kafka,
    topic: &str,
    since: Option<i64>,
) -> anyhow::Result<Vec<Place>> {
    let readers = kafka.readers(topic).await?;
    let since = since.map(|since| since - MARGIN);
    let inspector = kafka.inspector();
    let found = inspector.unreadable(topic, &readers, since, MOST).await?;
    let place = |one: hc_kafka::Unreadable| Place {
        topic: topic.to_owned(),
        partition: one.partition,
        offset: one.offset,
    };
    Ok(found.into_iter().map(place).collect())
}
