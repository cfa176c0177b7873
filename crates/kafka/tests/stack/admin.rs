use std::{collections::BTreeMap, time::Duration};

use hc_kafka::{Admin, AdminError, KafkaConfig, TopicChange, TopicSpec, Watermarks};

use crate::support::{admin, unique, write};

#[tokio::test]
async fn topics_become_as_described_and_stay_so() {
    let admin = admin();
    let topic = unique("apply");
    let spec = TopicSpec::new(&topic, 3)
        .config("retention.ms", "3600000")
        .config("cleanup.policy", "delete");
    let apply = async |spec: &TopicSpec| {
        let mut changes = admin.apply(std::slice::from_ref(spec)).await?;
        Ok::<_, AdminError>(changes.remove(0))
    };

    let created = TopicChange::Created {
        topic: topic.clone(),
    };
    assert_eq!(apply(&spec).await.unwrap(), created);
    let unchanged = TopicChange::Unchanged {
        topic: topic.clone(),
    };
    assert_eq!(apply(&spec).await.unwrap(), unchanged);

    // Only what differs is altered, and what nobody mentions stays.
    let wanted = TopicSpec::new(&topic, 3).config("cleanup.policy", "compact");
    let altered = TopicChange::Altered {
        topic: topic.clone(),
        configs: BTreeMap::from([("cleanup.policy".to_owned(), "compact".to_owned())]),
    };
    assert_eq!(
        altered.to_string(),
        format!("{topic}: altered cleanup.policy=compact")
    );
    assert_eq!(apply(&wanted).await.unwrap(), altered);
    let configs = admin.topic_configs(&topic).await.unwrap();
    assert_eq!(configs["cleanup.policy"], "compact");
    assert_eq!(configs["retention.ms"], "3600000");

    let fewer = apply(&TopicSpec::new(&topic, 2)).await.unwrap_err();
    assert!(fewer.to_string().contains("has 3 partitions"), "{fewer}");
    let nonsense = TopicSpec::new(&topic, 3).config("retention.ms", "soon");
    let refused = apply(&nonsense).await.unwrap_err();
    assert!(
        refused.to_string().contains("retention.ms=soon"),
        "{refused}"
    );
}

#[tokio::test]
async fn a_topic_made_again_has_another_id_and_no_records() {
    let admin = admin();
    let topic = unique("again");
    let spec = TopicSpec::new(&topic, 1);
    assert!(admin.create_topic(&spec).await.unwrap());
    assert!(!admin.create_topic(&spec).await.unwrap(), "it exists");
    write(&topic, &["a", "b"]).await;

    let first = admin.topic(&topic).await.unwrap().unwrap();
    assert_eq!((first.name.as_str(), first.partitions), (topic.as_str(), 1));
    assert!(admin.list_topics().await.unwrap().contains(&topic));
    let marks = admin.watermarks(&topic).await.unwrap().unwrap();
    assert_eq!(marks, BTreeMap::from([(0, Watermarks { low: 0, high: 2 })]));

    assert!(admin.delete_topic(&topic).await.unwrap());
    assert!(!admin.delete_topic(&topic).await.unwrap(), "it is gone");
    assert_eq!(admin.topic(&topic).await.unwrap(), None);
    assert_eq!(admin.watermarks(&topic).await.unwrap(), None);
    assert!(!admin.list_topics().await.unwrap().contains(&topic));

    assert!(admin.create_topic(&spec).await.unwrap());
    let second = admin.topic(&topic).await.unwrap().unwrap();
    assert_ne!(first.id, second.id);
    let marks = admin.watermarks(&topic).await.unwrap().unwrap();
    assert_eq!(marks, BTreeMap::from([(0, Watermarks { low: 0, high: 0 })]));
}

#[tokio::test]
async fn the_health_check_tells_a_broker_from_its_absence() {
    let timeout = Duration::from_secs(10);
    assert_eq!(admin().ping(timeout).await.unwrap().brokers, 1);

    let away = Admin::new(&KafkaConfig::plaintext("127.0.0.1:1")).unwrap();
    let error = away.ping(Duration::from_millis(200)).await.unwrap_err();
    assert!(
        error.to_string().starts_with("reading cluster metadata"),
        "{error}"
    );
}
