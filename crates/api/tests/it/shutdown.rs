//! SIGTERM to the real program.

use std::{
    env, fs,
    net::SocketAddr,
    process::{ExitStatus, Stdio},
    time::Duration,
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::Value;
use sqlx::{ConnectOptions as _, PgPool, Postgres, Transaction};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    net::TcpStream,
    process::{Child, ChildStderr, Command},
    time::timeout,
};

use crate::socket::Socket;

const PATIENCE: Duration = Duration::from_secs(20);

/// `hc-api serve`, killed when it is dropped.
struct Service {
    child: Child,
    address: SocketAddr,
    /// Kept open: a program whose log has nobody at the other end fails when it writes.
    _log: BufReader<ChildStderr>,
}

impl Service {
    async fn start(pool: &PgPool, shutdown_timeout: &str) -> Self {
        // What shells allow by default is too little for the connections that the service accepts.
        let mut child = Command::new("sh")
            .args(["-c", "ulimit -Sn 256; exec \"$0\" serve"])
            .arg(env!("CARGO_BIN_EXE_hc-api"))
            .current_dir(env::temp_dir())
            .env(
                "DATABASE_URL",
                pool.connect_options().to_url_lossy().as_str(),
            )
            .env("KAFKA_BOOTSTRAP_SERVERS", "")
            .env("API_PORT", "0")
            .env("API_REQUEST_TIMEOUT_SECONDS", "60")
            .env("API_SHUTDOWN_TIMEOUT_SECONDS", shutdown_timeout)
            .env("LOG_FORMAT", "json")
            .env("RUST_LOG", "info")
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap());
        let listening = async {
            loop {
                let mut line = String::new();
                assert_ne!(
                    log.read_line(&mut line).await.unwrap(),
                    0,
                    "the service ended"
                );
                let event: Value = serde_json::from_str(&line).unwrap();
                if let Some(address) = event["address"].as_str() {
                    return address.parse().unwrap();
                }
            }
        };
        let address = timeout(PATIENCE, listening).await.unwrap();
        Self {
            child,
            address,
            _log: log,
        }
    }

    fn pid(&self) -> u32 {
        self.child.id().expect("it runs")
    }

    /// What an orchestrator does.
    fn terminate(&self) {
        let pid = Pid::from_raw(self.pid().cast_signed());
        kill(pid, Signal::SIGTERM).unwrap();
    }

    async fn ended(&mut self) -> ExitStatus {
        timeout(PATIENCE, self.child.wait()).await.unwrap().unwrap()
    }
}

/// Holds up whoever reads patients.
async fn lock(pool: &PgPool) -> Transaction<'static, Postgres> {
    let mut lock = pool.begin().await.unwrap();
    sqlx::query("LOCK TABLE patients IN ACCESS EXCLUSIVE MODE")
        .execute(&mut *lock)
        .await
        .unwrap();
    lock
}

/// Waits until somebody waits for the lock.
async fn held_up(pool: &PgPool) {
    let look = async {
        loop {
            let waiting: i64 = sqlx::query_scalar(
                "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'patients'::regclass
                 AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
            )
            .fetch_one(pool)
            .await
            .unwrap();
            if waiting > 0 {
                return;
            }
        }
    };
    timeout(PATIENCE, look).await.unwrap();
}

#[sqlx::test(migrations = "../../postgres/migrations")]
async fn a_request_under_way_is_finished_and_no_new_one_begins(pool: PgPool) {
    let mut service = Service::start(&pool, "20").await;
    let limits = fs::read_to_string(format!("/proc/{}/limits", service.pid())).unwrap();
    let files = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max open files"))
        .unwrap();
    let files: Vec<&str> = files.split_whitespace().collect();
    assert_eq!(files[0], files[1], "as many as the service may have");

    let mut stream = Socket::open(service.address).await;
    stream.get("/drift/stream").await;
    let mut idle = Socket::open(service.address).await;
    idle.get("/health").await;
    let lock = lock(&pool).await;
    let mut under_way = Socket::open(service.address).await;
    under_way.ask("/patients").await;
    held_up(&pool).await;

    service.terminate();
    assert!(stream.rest().await.ends_with("0\r\n\r\n"));
    assert_eq!(idle.rest().await, "");
    let refused = async { while TcpStream::connect(service.address).await.is_ok() {} };
    timeout(PATIENCE, refused).await.unwrap();

    lock.rollback().await.unwrap();
    let head = under_way.answer().await.expect("an answer");
    assert!(head.starts_with("http/1.1 200 ok"), "{head}");
    assert!(service.ended().await.success());
}

#[sqlx::test(migrations = "../../postgres/migrations")]
async fn a_request_that_hangs_is_cut_at_the_deadline(pool: PgPool) {
    let mut service = Service::start(&pool, "0.5").await;
    let lock = lock(&pool).await;
    let mut hanging = Socket::open(service.address).await;
    hanging.ask("/patients").await;
    held_up(&pool).await;

    service.terminate();
    assert!(service.ended().await.success());
    assert_eq!(hanging.answer().await, None);
    lock.rollback().await.unwrap();
}
