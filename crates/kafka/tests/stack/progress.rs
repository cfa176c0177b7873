//! How far a loop has read, and that an end of a partition is no error.

use std::{
    io,
    sync::{Arc, Mutex},
    thread::{self, ThreadId},
};

use hc_kafka::{ConsumerState, Outcome, PartitionProgress, TopicSpec};
use tracing_subscriber::fmt::MakeWriter;

use crate::support::{Store, accept_all, admin, recorded, run, topic, unique, within, write};

fn at(position: i64, end: Option<i64>) -> PartitionProgress {
    PartitionProgress { position, end }
}

#[tokio::test]
async fn the_lag_grows_while_the_handler_fails_and_goes_when_it_works() {
    let topic = topic("lag").await;
    let (judge, mut seen) = recorded(|call, _| {
        if call <= 8 {
            let reason = "not yet".to_owned();
            Outcome::Retry { reason }
        } else {
            Outcome::Done
        }
    });
    write(&topic, &["1", "2", "3"]).await;
    let mut running = run(&topic, Store::default(), judge);
    within("the first batch", seen.recv()).await;
    let known = running.progress.wait_for(|progress| {
        let first = progress.partitions.get(&0);
        first.is_some_and(|first| first.end.is_some())
    });
    let progress = within("the end to be known", known).await.unwrap().clone();
    assert_eq!(progress.partitions[&0], at(0, Some(3)));
    assert_eq!(progress.partitions[&0].lag(), Some(3));
    let id = admin().topic(&topic).await.unwrap().unwrap().id;
    assert_eq!(progress.topic_id, id);

    let read = running
        .progress
        .wait_for(|progress| progress.partitions[&0] == at(3, Some(3)));
    let progress = within("everything to be read", read).await.unwrap().clone();
    assert_eq!(progress.partitions[&0].lag(), Some(0));
    let progress = running.progress.clone();
    running.stop().await;
    assert_eq!(
        progress.borrow().partitions[&0],
        at(3, None),
        "nobody looks at the end any more"
    );
}

#[tokio::test]
async fn topics_are_looked_at_together() {
    let (some, none) = (unique("some"), unique("none"));
    let spec = TopicSpec::new(&some, 2);
    admin().create_topic(&spec).await.unwrap();
    write(&some, &["1"]).await;
    let found = admin()
        .offsets(vec![some.clone(), none], crate::support::LIMIT)
        .await
        .unwrap();
    assert_eq!(found.keys().collect::<Vec<_>>(), [&some]);
    let ends: i64 = found[&some].values().map(|marks| marks.high).sum();
    assert_eq!((found[&some].len(), ends), (2, 1));
}

/// What is logged on one thread, where a test without worker threads polls its client.
#[derive(Clone)]
struct Lines {
    owner: ThreadId,
    text: Arc<Mutex<Vec<u8>>>,
}

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if thread::current().id() == self.owner {
            self.text.lock().unwrap().extend_from_slice(bytes);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn the_end_of_a_partition_is_not_logged_as_an_error() {
    let lines = Lines {
        owner: thread::current().id(),
        text: Arc::default(),
    };
    let subscriber = tracing_subscriber::fmt()
        .with_writer(lines.clone())
        .with_ansi(false)
        .finish();
    tracing::subscriber::set_global_default(subscriber).unwrap();
    let topic = topic("end").await;
    write(&topic, &["1"]).await;
    let mut running = run(&topic, Store::default(), accept_all());
    running
        .until_state(ConsumerState::Reading { caught_up: true })
        .await;
    running.stop().await;
    let text = String::from_utf8(lines.text.lock().unwrap().clone()).unwrap();
    assert!(text.contains("reading"), "the log is seen: {text}");
    assert!(!text.contains("ERROR"), "{text}");
}
