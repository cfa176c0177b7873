//! How long a statement takes; a figure for docs/benchmarks.md and no test, since it depends on the machine.

use std::time::Instant;

use hc_flink_gateway::model::Phase;

use crate::support::{Gateway, create, unique};

/// The first ones find a cold JVM and are not counted.
const WARM_UP: usize = 5;
const COUNTED: usize = 21;

#[tokio::test]
#[ignore = "measures; run it alone with --ignored --nocapture"]
async fn from_insert_to_running() {
    let gateway = Gateway::start().await;
    let (from, to) = (unique("gw_from"), unique("gw_to"));
    gateway.exec(&create(&from), Phase::Completed).await;
    gateway.exec(&create(&to), Phase::Completed).await;
    let sql = format!("INSERT INTO {to} SELECT * FROM {from}");
    let mut milliseconds = Vec::new();
    for round in 0..WARM_UP + COUNTED {
        let name = format!("latency-{round}");
        let started = Instant::now();
        gateway.must(&name, &sql, Phase::Running).await;
        milliseconds.push(started.elapsed().as_millis());
        gateway.client().delete(&name).await.unwrap();
    }
    let counted = &mut milliseconds[WARM_UP..];
    counted.sort_unstable();
    println!(
        "INSERT to RUNNING: median {} ms, slowest of {COUNTED} {} ms",
        counted[COUNTED / 2],
        counted[COUNTED - 1]
    );
}
