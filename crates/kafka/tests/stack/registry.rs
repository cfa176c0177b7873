use hc_kafka::{Registry, RegistryConfig, RegistryError};

use crate::support::{registry, registry_config, unique};

const SCHEMA: &str = r#"{"type":"record","name":"r","fields":[{"name":"a","type":"string"}]}"#;
const LATER: &str = r#"{"type":"record","name":"r","fields":[{"name":"a","type":"string"},{"name":"b","type":["null","long"],"default":null}]}"#;

#[tokio::test]
async fn registering_twice_is_registering_once() {
    let registry = registry();
    let subject = format!("{}-value", unique("twice"));
    assert_eq!(registry.latest(&subject).await.unwrap(), None);

    let id = registry.register(&subject, SCHEMA).await.unwrap();
    assert_eq!(registry.register(&subject, SCHEMA).await.unwrap(), id);
    let latest = registry.latest(&subject).await.unwrap().unwrap();
    assert_eq!((latest.version, latest.id), (1, id));
    assert_eq!(latest.subject, subject);

    let later = registry.register(&subject, LATER).await.unwrap();
    assert_ne!(later, id);
    let latest = registry.latest(&subject).await.unwrap().unwrap();
    assert_eq!((latest.version, latest.id), (2, later));
    let known = registry.schema_by_id(later).await.unwrap();
    assert_eq!(*known, apache_avro::Schema::parse_str(LATER).unwrap());
    assert!(registry.subjects().await.unwrap().contains(&subject));

    assert!(registry.delete(&subject).await.unwrap());
    assert!(!registry.delete(&subject).await.unwrap(), "it is gone");
    assert_eq!(registry.latest(&subject).await.unwrap(), None);
    assert!(!registry.subjects().await.unwrap().contains(&subject));
}

#[tokio::test]
async fn a_prefix_separates_environments() {
    let plain = registry();
    let prefixed = Registry::new(&RegistryConfig {
        subject_prefix: ".flink-dev".to_owned(),
        ..registry_config()
    })
    .unwrap();
    let subject = format!("{}-value", unique("prefix"));
    prefixed.register(&subject, SCHEMA).await.unwrap();

    assert!(prefixed.subjects().await.unwrap().contains(&subject));
    let latest = prefixed.latest(&subject).await.unwrap().unwrap();
    assert_eq!(latest.subject, subject);
    assert_eq!(plain.latest(&subject).await.unwrap(), None);
    let full = format!(":.flink-dev:{subject}");
    assert!(plain.subjects().await.unwrap().contains(&full));
    assert!(prefixed.delete(&subject).await.unwrap());
}

#[tokio::test]
async fn refusals_carry_the_registrys_reason_and_absence_is_not_a_refusal() {
    let registry = registry();
    let subject = format!("{}-value", unique("bad"));
    let error = registry.register(&subject, "{").await.unwrap_err();
    let RegistryError::Refused { status, .. } = &error else {
        panic!("{error}");
    };
    assert!((400..500).contains(status), "{error}");
    assert!(!error.is_transient(), "{error}");

    let error = registry.schema_by_id(999_999).await.unwrap_err();
    assert!(
        matches!(error, RegistryError::UnknownId { id: 999_999 }),
        "{error}"
    );
    assert!(!error.is_transient());

    let away = Registry::new(&RegistryConfig::plain("http://127.0.0.1:1")).unwrap();
    let error = away.ping().await.unwrap_err();
    assert!(error.is_transient(), "{error}");
    assert!(error.to_string().contains("refused"), "says why: {error}");
}
