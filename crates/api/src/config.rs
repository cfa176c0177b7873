//! Command line and environment.

use std::{net::IpAddr, num::NonZeroUsize, str::FromStr, time::Duration};

use axum::http::HeaderValue;
use clap::{Args, Parser, Subcommand, ValueEnum};
use hc_domain::{DeviceId, Metric};
use hc_kafka::{KafkaArgs, RegistryArgs};
use hc_simulator::{Bias, Pace};

/// Healthcare control plane: REST, server-sent events, simulated devices.
#[derive(Debug, Parser)]
#[command(name = "hc-api", version)]
pub struct Cli {
    /// What to do; `serve` when absent
    #[command(subcommand)]
    pub command: Option<Command>,
    #[command(flatten)]
    pub log: LogArgs,
    #[command(flatten)]
    pub database: DatabaseArgs,
    #[command(flatten)]
    pub kafka: KafkaArgs,
    #[command(flatten)]
    pub registry: RegistryArgs,
    #[command(flatten)]
    pub server: ServerArgs,
    #[command(flatten)]
    pub simulation: SimulationArgs,
    #[command(flatten)]
    pub pipeline: PipelineArgs,
}

#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum Command {
    /// Answer requests until stopped (the default)
    Serve,
    /// Bring the tables of the database up to date
    Migrate,
    /// Insert the demonstration's patients, devices and prescriptions, if there are none
    Seed,
    /// Create the topics that the service writes and register their Avro schemas; or look into a topic
    Topics {
        #[command(subcommand)]
        what: Option<TopicsCommand>,
    },
    /// Print the OpenAPI document
    Openapi,
}

#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum TopicsCommand {
    /// List the records of a topic that cannot be read, which nobody who reads it gets past
    Unreadable {
        topic: String,
        /// Most records to list
        #[arg(long, default_value_t = 20)]
        most: usize,
    },
    /// Pass a record that cannot be read: delete it and, since Kafka cannot do less, every earlier one of its partition
    Skip(SkipArgs),
}

#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct SkipArgs {
    pub topic: String,
    pub partition: i32,
    /// Of the record, as /pipeline/status and `topics unreadable` show it
    pub offset: i64,
    /// Do not ask
    #[arg(long)]
    pub yes: bool,
    /// Delete also when the record can be read
    #[arg(long)]
    pub force: bool,
}

#[derive(Debug, Clone, Args)]
pub struct LogArgs {
    /// Which events to log, as `level` or `target=level,...`
    #[arg(long, env = "RUST_LOG", default_value = "info", global = true)]
    pub log: String,
    /// How events are written
    #[arg(long, env = "LOG_FORMAT", value_enum, default_value_t = LogFormat::Text, global = true)]
    pub log_format: LogFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    Text,
    Json,
}

#[derive(Debug, Clone, Args)]
pub struct DatabaseArgs {
    /// Postgres; empty shows demonstration data that cannot be changed
    #[arg(
        long,
        env = "DATABASE_URL",
        default_value = "",
        hide_env_values = true,
        global = true
    )]
    pub database_url: String,
    /// Most connections to Postgres
    #[arg(
        long,
        env = "DATABASE_MAX_CONNECTIONS",
        default_value = "10",
        global = true
    )]
    pub database_max_connections: u32,
}

#[derive(Debug, Clone, Args)]
pub struct ServerArgs {
    /// Address to listen on
    #[arg(long, env = "API_HOST", default_value = "127.0.0.1")]
    pub host: IpAddr,
    /// Port to listen on; 0 takes a free one and logs it
    #[arg(long, env = "API_PORT", default_value_t = 8000)]
    pub port: u16,
    /// Port of the user interface on this machine, which may call the API
    #[arg(long, env = "UI_PORT", default_value_t = 5173)]
    pub ui_port: u16,
    /// Further origins that may call the API, comma separated, such as https://demo.example.org
    #[arg(long, env = "CORS_ALLOWED_ORIGINS", value_delimiter = ',', default_value = "", value_parser = origin)]
    pub cors_allowed_origins: Vec<Origin>,
    /// Most open connections; one more is answered with 503, except for /health, /ready and /metrics
    #[arg(long, env = "API_MAX_CONNECTIONS", default_value = "2000")]
    pub max_connections: NonZeroUsize,
    /// Most subscribers of event streams, of the connections; one more is answered with 503
    #[arg(long, env = "API_MAX_SUBSCRIBERS", default_value = "1200")]
    pub max_subscribers: NonZeroUsize,
    /// Seconds after which a connection is closed that has no request, or only a part of its header
    #[arg(long, env = "API_IDLE_TIMEOUT_SECONDS", default_value = "30", value_parser = seconds)]
    pub idle_timeout: Duration,
    /// Seconds after which a request is answered with 503; streams have no end
    #[arg(long, env = "API_REQUEST_TIMEOUT_SECONDS", default_value = "15", value_parser = seconds)]
    pub request_timeout: Duration,
    /// Seconds that open requests may take to end after a signal
    #[arg(long, env = "API_SHUTDOWN_TIMEOUT_SECONDS", default_value = "8", value_parser = seconds)]
    pub shutdown_timeout: Duration,
    /// Readings kept for the screen, of each device and metric
    #[arg(long, env = "TELEMETRY_CACHE_MAXLEN", default_value = "200")]
    pub telemetry_cache_maxlen: NonZeroUsize,
}

/// An origin, or nothing between two commas.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin(Option<HeaderValue>);

fn origin(text: &str) -> Result<Origin, String> {
    let text = text.trim().trim_end_matches('/');
    if text.is_empty() {
        return Ok(Origin(None));
    }
    let (scheme, rest) = text.split_once("://").unwrap_or_default();
    if !matches!(scheme, "http" | "https") || rest.is_empty() || rest.contains('/') {
        return Err("must look like https://host or http://host:port".to_owned());
    }
    HeaderValue::from_str(text)
        .map(|value| Origin(Some(value)))
        .map_err(|error| error.to_string())
}

impl ServerArgs {
    /// Every origin that may call the API.
    pub fn origins(&self) -> Vec<HeaderValue> {
        let local = [5173, 3000, self.ui_port].into_iter().flat_map(|port| {
            ["localhost", "127.0.0.1"]
                .into_iter()
                .filter_map(move |host| {
                    HeaderValue::from_str(&format!("http://{host}:{port}")).ok()
                })
        });
        let more = self
            .cors_allowed_origins
            .iter()
            .filter_map(|origin| origin.0.clone());
        let mut origins: Vec<_> = local.chain(more).collect();
        origins.sort();
        origins.dedup();
        origins
    }
}

#[derive(Debug, Clone, Args)]
pub struct SimulationArgs {
    /// Patients, each with a device and a prescription, that `seed` inserts
    #[arg(long, env = "SIMULATION_NUM_PATIENTS", default_value_t = 5, global = true,
        value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub simulation_num_patients: u32,
    /// Story time between two readings of a device, in seconds
    #[arg(long, env = "SIMULATION_INTERVAL_SECONDS", default_value = "300", value_parser = positive)]
    pub simulation_interval_seconds: f64,
    /// Readings per second of wall time, of all devices together
    #[arg(long, env = "SIMULATION_RECORDS_PER_SECOND", default_value = "5", value_parser = positive)]
    pub simulation_records_per_second: f64,
    /// The story begins so many days before now
    #[arg(long, env = "SIMULATION_BACKFILL_DAYS", default_value_t = 180, global = true,
        value_parser = clap::value_parser!(u32).range(0..=3650))]
    pub simulation_backfill_days: u32,
    /// Devices that measure beside their setting, DEVICE:METRIC:OFFSET, comma separated; empty for none
    #[arg(
        long,
        env = "SIMULATION_BIAS",
        value_delimiter = ',',
        default_value = "DEV-P003:Pressure:2.4"
    )]
    pub simulation_bias: Vec<BiasArg>,
    /// Another number gives other readings, the same number the same
    #[arg(long, env = "SIMULATION_SEED", default_value_t = 1)]
    pub simulation_seed: u64,
}

impl SimulationArgs {
    /// How the story begins and advances.
    pub fn pace(&self) -> Pace {
        Pace {
            backfill: Duration::from_secs(u64::from(self.simulation_backfill_days) * 86_400),
            interval: Duration::from_secs_f64(self.simulation_interval_seconds),
        }
    }

    /// The devices that measure beside their setting.
    pub fn biases(&self) -> impl Iterator<Item = Bias> {
        self.simulation_bias
            .iter()
            .filter_map(|bias| bias.0.clone())
    }
}

/// Where `/pipeline/status` looks; what has no address is shown as disabled.
#[derive(Debug, Clone, Default, Args)]
pub struct PipelineArgs {
    /// Kafka Connect, such as http://localhost:8083
    #[arg(long, env = "CONNECT_URL", default_value = "")]
    pub connect_url: String,
    /// The connector of Postgres
    #[arg(
        long,
        env = "DEBEZIUM_CONNECTOR_NAME",
        default_value = DEFAULT_CONNECTOR
    )]
    pub debezium_connector_name: String,
    /// REST address of Flink's JobManager, such as http://localhost:8091
    #[arg(long, env = "FLINK_REST_URL", default_value = "")]
    pub flink_rest_url: String,
    /// The statements API, ours (http://localhost:8094) or Confluent's
    #[arg(long, env = "STATEMENTS_GATEWAY_URL", default_value = "")]
    pub statements_gateway_url: String,
    /// Organization of the statements
    #[arg(
        long,
        env = "ORG_ID",
        default_value = "00000000-0000-0000-0000-000000000000"
    )]
    pub org_id: String,
    /// Environment of the statements
    #[arg(long, env = "SL_FLINK_ENV_ID", default_value = "env-000000")]
    pub environment_id: String,
    /// API key of the statements API
    #[arg(long, env = "STATEMENTS_API_KEY", default_value = "local")]
    pub statements_api_key: String,
    /// Secret of the API key
    #[arg(
        long,
        env = "STATEMENTS_API_SECRET",
        default_value = "local",
        hide_env_values = true
    )]
    pub statements_api_secret: String,
}

const DEFAULT_CONNECTOR: &str = "debezium-postgres-healthcare";

impl PipelineArgs {
    /// The connector's name; an empty setting is none.
    pub fn connector(&self) -> &str {
        match self.debezium_connector_name.as_str() {
            "" => DEFAULT_CONNECTOR,
            name => name,
        }
    }
}

fn positive(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|number| (0.001..=1_000_000.0).contains(number))
        .ok_or_else(|| "must be a number from 0.001 to 1000000".to_owned())
}

fn seconds(text: &str) -> Result<Duration, String> {
    positive(text).map(Duration::from_secs_f64)
}

/// A bias, or nothing between two commas.
#[derive(Debug, Clone)]
pub struct BiasArg(Option<Bias>);

impl FromStr for BiasArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.trim().is_empty() {
            return Ok(Self(None));
        }
        let mut parts = text.trim().split(':');
        let (Some(device), Some(metric), Some(offset), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err("must look like DEV-P003:Pressure:2.4".to_owned());
        };
        let device_id: DeviceId = device
            .parse()
            .map_err(|error| format!("{device}: {error}"))?;
        let metric: Metric = metric.parse().map_err(|error| format!("{error}"))?;
        let offset: f64 = offset
            .parse()
            .ok()
            .filter(|offset: &f64| offset.is_finite())
            .ok_or_else(|| format!("{offset:?} is not a number"))?;
        Ok(Self(Some(Bias {
            device_id,
            metric,
            offset,
        })))
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn lists_may_be_empty() {
        let cli = Cli::try_parse_from([
            "hc-api",
            "--simulation-bias",
            "",
            "--cors-allowed-origins",
            "",
            "--ui-port",
            "5173",
        ])
        .unwrap();
        assert_eq!(cli.simulation.biases().count(), 0);
        assert_eq!(cli.server.origins().len(), 4);
        let cli = Cli::try_parse_from([
            "hc-api",
            "--cors-allowed-origins",
            "https://a.example/,http://b:1",
        ])
        .unwrap();
        assert!(
            cli.server
                .origins()
                .contains(&HeaderValue::from_static("https://a.example"))
        );
        assert_eq!(cli.simulation.biases().next().unwrap().offset, 2.4);
        for bad in [
            ["--simulation-bias", "DEV-P003"],
            ["--cors-allowed-origins", "example.org"],
        ] {
            assert!(
                Cli::try_parse_from(["hc-api"].into_iter().chain(bad)).is_err(),
                "{bad:?}"
            );
        }
    }
}
