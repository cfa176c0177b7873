//! `hc-flink-gateway serve`: configuration, start, graceful stop. Jobs keep running when the gateway stops.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, anyhow, ensure};
use chrono::Utc;
use clap::Args;
use hc_flink_dialect::Connection;
use hc_kafka::{Admin, KafkaArgs, KafkaConfig, Registry, RegistryArgs, RegistryConfig};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::api::{Api, ApiKey, router};
use crate::checkpoints;
use crate::engine::{Engine, SUBMISSIONS};
use crate::flink::job_manager::JobManager;
use crate::flink::sql_gateway::SqlGateway;
use crate::lake::{Lake, LakeArgs, keeper};
use crate::locks::Locks;
use crate::proxy;
use crate::reconcile;
use crate::results::Selects;
use crate::session::{Identity, Session};
use crate::store::Store;
use crate::tuning::Tuning;
use crate::warm_up;

/// Longest wait of a POST for its statement; HTTP clients commonly give up after 10 s.
const HOLD: Duration = Duration::from_secs(8);

/// How long requests may take after the signal to stop.
const GRACE: Duration = Duration::from_secs(2);

/// Command line of `serve`.
#[derive(Debug, Args)]
pub struct ServeArgs {
    /// Address to listen on
    #[arg(long, env = "STATEMENTS_GATEWAY_HOST", default_value = "127.0.0.1")]
    pub host: String,
    /// Port to listen on
    #[arg(long, env = "STATEMENTS_GATEWAY_PORT", default_value_t = 8094)]
    pub port: u16,
    /// REST address of the JobManager
    #[arg(long, env = "FLINK_REST_URL", default_value = "http://127.0.0.1:8091")]
    pub flink_rest_url: String,
    /// REST address of Flink's SQL Gateway
    #[arg(long, env = "SQL_GATEWAY_URL", default_value = "http://127.0.0.1:8093")]
    pub sql_gateway_url: String,
    /// Folder of the statements and tables; kept as long as the topics are
    #[arg(long, env = "HC_GATEWAY_STORE", default_value = ".data/gateway")]
    pub store_dir: PathBuf,
    /// Folder where Flink keeps checkpoints (path or file: URI), shared with this process
    #[arg(
        long,
        env = "FLINK_CHECKPOINT_DIR",
        default_value = ".data/flink/checkpoints"
    )]
    pub checkpoint_dir: String,
    /// Options of single statements and tables for the local engine (platform/flink/statements.toml)
    #[arg(long, env = "FLINK_STATEMENTS_TUNING")]
    pub tuning: Option<PathBuf>,
    /// How long a reading can be judged again, such as '2 h'; default: what the SQL says
    #[arg(long, env = "CORRECTION_WINDOW")]
    pub correction_window: Option<String>,
    #[command(flatten)]
    pub lake: LakeArgs,
    #[command(flatten)]
    pub identity: IdentityArgs,
    /// Another name of the environment, also accepted as catalog
    #[arg(long, env = "SL_FLINK_ENV_NAME", default_value = "local")]
    pub environment_name: String,
    /// Another name of the Kafka cluster, also accepted as database
    #[arg(long, env = "SL_FLINK_DATABASE_NAME", default_value = "healthcare")]
    pub database_name: String,
    /// Cloud provider that the local servers pretend to be in
    #[arg(long, env = "CLOUD_PROVIDER", default_value = "aws")]
    pub cloud_provider: String,
    /// Region that the local servers pretend to be in; the hosts that the proxy answers for have its name
    #[arg(long, env = "CLOUD_REGION", default_value = "us-west-2")]
    pub cloud_region: String,
    /// The only API key that is accepted; default: any
    #[arg(long, env = "STATEMENTS_API_KEY", requires = "api_secret")]
    pub api_key: Option<String>,
    /// Secret of the API key
    #[arg(
        long,
        env = "STATEMENTS_API_SECRET",
        hide_env_values = true,
        requires = "api_key"
    )]
    pub api_secret: Option<String>,
    #[command(flatten)]
    pub kafka: KafkaArgs,
    #[command(flatten)]
    pub registry: RegistryArgs,
}

/// The names under which the local servers appear, shared with the deployer.
#[derive(Clone, Debug, Args)]
pub struct IdentityArgs {
    /// Organization id
    #[arg(
        long,
        env = "ORG_ID",
        default_value = "00000000-0000-0000-0000-000000000000"
    )]
    pub organization: String,
    /// Environment id, which is also the catalog
    #[arg(long, env = "SL_FLINK_ENV_ID", default_value = "env-000000")]
    pub environment: String,
    /// Kafka cluster id, which is also the database
    #[arg(long, env = "SL_KAFKA_CLUSTER_ID", default_value = "lkc-000000")]
    pub database: String,
    /// Compute pool id
    #[arg(long, env = "FLINK_COMPUTE_POOL_ID", default_value = "lfcp-000000")]
    pub compute_pool: String,
}

impl From<&ServeArgs> for Identity {
    fn from(args: &ServeArgs) -> Self {
        let ids = args.identity.clone();
        Self {
            organization: ids.organization,
            environment: ids.environment,
            environment_name: args.environment_name.clone(),
            database: ids.database,
            database_name: args.database_name.clone(),
            compute_pool: ids.compute_pool,
            provider: args.cloud_provider.clone(),
            region: args.cloud_region.clone(),
        }
    }
}

/// Serves until SIGTERM or Ctrl+C.
pub async fn run(args: ServeArgs) -> anyhow::Result<()> {
    let engine = Arc::new(engine(&args)?);
    engine.give_up_selects().await?;
    let key = match (&args.api_key, &args.api_secret) {
        (Some(key), Some(secret)) => Some(ApiKey::new(key, secret)),
        _ => None,
    };
    let api = Api {
        engine: Arc::clone(&engine),
        key,
        hold: HOLD,
    };
    let address = format!("{}:{}", args.host, args.port);
    let listener = TcpListener::bind(&address)
        .await
        .with_context(|| format!("{address} cannot be listened on; set STATEMENTS_GATEWAY_PORT"))?;
    let local: SocketAddr = listener.local_addr()?;
    ensure!(
        local.ip().is_loopback() || api.key.is_some(),
        "{address} can be reached by others, who could run any statement: set STATEMENTS_API_KEY and \
         STATEMENTS_API_SECRET"
    );
    let mut app = router(api);
    if local.ip().is_loopback() {
        let folder = args.store_dir.join("tls");
        app = proxy::over(app, &folder, &args.cloud_region, &args.cloud_provider)?;
    }

    let stop = CancellationToken::new();
    let background = {
        let (engine, stop) = (Arc::clone(&engine), stop.clone());
        tokio::spawn(async move {
            tokio::join!(
                engine.session.keep(&stop),
                reconcile::run(Arc::clone(&engine), stop.clone()),
                keeper::run(Arc::clone(&engine), stop.clone())
            );
        })
    };
    tracing::info!(address = %local, "statements gateway ready");
    if engine.store.statements().is_empty() {
        let gateway = SqlGateway::new(&args.sql_gateway_url);
        tokio::spawn(async move { warm_up::run(&gateway).await });
    }
    let stopping = stop.clone();
    let server = axum::serve(listener, app).with_graceful_shutdown(async move {
        stop_signal().await;
        tracing::info!("stopping; jobs keep running");
        stopping.cancel();
    });
    let overdue = async {
        stop.cancelled().await;
        tokio::time::sleep(GRACE).await;
    };
    tokio::select! {
        served = server => served?,
        () = overdue => tracing::warn!("requests that are still held are cut off"),
    }
    background.await.context("the reconcile loop ended badly")
}

/// Everything behind the API, made from the command line.
pub fn engine(args: &ServeArgs) -> anyhow::Result<Engine> {
    let kafka = args
        .kafka
        .config()?
        .ok_or_else(|| anyhow!("set KAFKA_BOOTSTRAP_SERVERS"))?;
    let registry = args
        .registry
        .config()?
        .ok_or_else(|| anyhow!("set SCHEMA_REGISTRY_URL"))?;
    let mut tuning = match &args.tuning {
        Some(path) => Tuning::load(path)?,
        None => Tuning::default(),
    };
    if let Some(window) = args
        .correction_window
        .as_deref()
        .filter(|window| !window.is_empty())
    {
        tuning.set_correction_window(window);
    }
    let store = Store::open(&args.store_dir, Utc::now)?;
    let session = Session::new(
        SqlGateway::new(&args.sql_gateway_url),
        Identity::from(args),
        connection(&kafka, &registry, &tuning),
        store.clone(),
    );
    Ok(Engine {
        store,
        session,
        jobs: JobManager::new(&args.flink_rest_url),
        kafka: Admin::new(&kafka)?,
        registry: Registry::new(&registry)?,
        tuning,
        lake: Lake::from_args(&args.lake)?,
        checkpoints: checkpoints::parse_dir(&args.checkpoint_dir)
            .map_err(|error| anyhow!(error))?,
        locks: Locks::default(),
        selects: Selects::default(),
        submissions: Semaphore::new(SUBMISSIONS),
    })
}

/// How Flink's tables reach Kafka and the registry: the same way as this process.
fn connection(kafka: &KafkaConfig, registry: &RegistryConfig, tuning: &Tuning) -> Connection {
    let mut connection = Connection::new(&kafka.bootstrap_servers, &registry.url);
    connection.idle_timeouts = tuning.idle_timeouts();
    if kafka.security_protocol != "PLAINTEXT" {
        connection
            .kafka_properties
            .insert("security.protocol".into(), kafka.security_protocol.clone());
    }
    if let Some(sasl) = &kafka.sasl {
        let module = match kafka.sasl_mechanism.as_str() {
            "PLAIN" => "org.apache.kafka.common.security.plain.PlainLoginModule",
            _ => "org.apache.kafka.common.security.scram.ScramLoginModule",
        };
        let quote = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"");
        let login = format!(
            "{module} required username=\"{}\" password=\"{}\";",
            quote(&sasl.username),
            quote(&sasl.password)
        );
        connection
            .kafka_properties
            .insert("sasl.mechanism".into(), kafka.sasl_mechanism.clone());
        connection
            .kafka_properties
            .insert("sasl.jaas.config".into(), login);
    }
    if let Some(auth) = &registry.basic_auth {
        let properties = &mut connection.registry_properties;
        properties.insert("basic-auth.credentials-source".into(), "USER_INFO".into());
        properties.insert(
            "basic-auth.user-info".into(),
            format!("{}:{}", auth.username, auth.password),
        );
    }
    connection
}

async fn stop_signal() {
    let interrupt = tokio::signal::ctrl_c();
    let terminate = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => {
                signal.recv().await;
            }
            Err(error) => {
                tracing::warn!(%error, "SIGTERM cannot be handled");
                std::future::pending::<()>().await;
            }
        }
    };
    tokio::select! {
        _ = interrupt => {}
        () = terminate => {}
    }
}
