use clap::{Args, Command};
use hc_kafka::{ConfigError, KafkaArgs, KafkaConfig, Registry, RegistryArgs, RegistryConfig};

/// Not parsed from a command line, since clap would look into the environment of the test.
fn args() -> KafkaArgs {
    KafkaArgs {
        kafka_bootstrap_servers: "broker:9092".to_owned(),
        kafka_sasl_mechanism: "PLAIN".to_owned(),
        ..KafkaArgs::default()
    }
}

#[test]
fn the_environment_has_the_documented_names() {
    let command = RegistryArgs::augment_args(KafkaArgs::augment_args(Command::new("test")));
    command.clone().debug_assert();
    let names: Vec<_> = command
        .get_arguments()
        .filter_map(|arg| arg.get_env()?.to_str())
        .collect();
    assert_eq!(
        names,
        [
            "KAFKA_BOOTSTRAP_SERVERS",
            "KAFKA_SECURITY_PROTOCOL",
            "KAFKA_SASL_MECHANISM",
            "KAFKA_SASL_USERNAME",
            "KAFKA_SASL_PASSWORD",
            "KAFKA_API_KEY",
            "KAFKA_API_SECRET",
            "SCHEMA_REGISTRY_URL",
            "SCHEMA_REGISTRY_BASIC_AUTH_USER_INFO",
            "SCHEMA_SUBJECT_PREFIX",
        ]
    );
}

#[test]
fn local_brokers_need_an_address_only() {
    let local = KafkaConfig::plaintext("broker:9092");
    assert_eq!(args().config(), Ok(Some(local)));
    assert_eq!(KafkaArgs::default().config(), Ok(None));
}

#[test]
fn credentials_choose_sasl_ssl_and_fall_back_to_the_api_key() {
    let check = |user: &str, key: &str, expected: &str| {
        let args = KafkaArgs {
            kafka_sasl_username: user.to_owned(),
            kafka_api_key: key.to_owned(),
            ..args()
        };
        let config = args.config().unwrap().unwrap();
        assert_eq!(config.security_protocol, "SASL_SSL");
        assert_eq!(config.sasl_mechanism, "PLAIN");
        assert_eq!(config.sasl.unwrap().username, expected);
    };
    check("", "key", "key");
    check("user", "", "user");
    check("user", "key", "user");
    // A protocol that is asked for wins.
    let plaintext = KafkaArgs {
        kafka_security_protocol: "plaintext".to_owned(),
        kafka_api_key: "key".to_owned(),
        ..args()
    };
    let local = KafkaConfig::plaintext("broker:9092");
    assert_eq!(plaintext.config(), Ok(Some(local)));
}

#[test]
fn what_cannot_work_is_refused_with_the_names_to_set() {
    let with_protocol = |protocol: &str| KafkaArgs {
        kafka_security_protocol: protocol.to_owned(),
        ..args()
    };
    let missing = with_protocol("SASL_SSL").config().unwrap_err();
    assert!(missing.to_string().contains("KAFKA_SASL_USERNAME"));
    assert_eq!(
        with_protocol("TLS").config(),
        Err(ConfigError::UnknownProtocol("TLS".to_owned()))
    );
    let registry = RegistryArgs {
        schema_registry_url: "http://registry".to_owned(),
        schema_registry_basic_auth_user_info: "no-colon".to_owned(),
        schema_subject_prefix: String::new(),
    };
    assert_eq!(registry.config(), Err(ConfigError::MalformedBasicAuth));
    let ftp = Registry::new(&RegistryConfig::plain("ftp://registry")).unwrap_err();
    assert!(ftp.to_string().contains("ftp://registry"), "{ftp}");
}

#[test]
fn secrets_are_not_printed() {
    let args = KafkaArgs {
        kafka_sasl_username: "user".to_owned(),
        kafka_sasl_password: "hunter2".to_owned(),
        ..args()
    };
    let config = args.config().unwrap();
    assert!(!format!("{config:?}").contains("hunter2"));
}

#[test]
fn a_prefix_is_part_of_the_subject() {
    let mut config = RegistryConfig::plain("http://registry");
    let plain = Registry::new(&config).unwrap();
    assert_eq!(plain.full_name("t-value"), "t-value");
    config.subject_prefix = ".flink-dev".to_owned();
    let prefixed = Registry::new(&config).unwrap();
    assert_eq!(prefixed.full_name("t-value"), ":.flink-dev:t-value");
}
