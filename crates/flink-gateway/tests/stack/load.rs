//! Many statements, and a gateway that dies in the middle of them.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::stream::{self, StreamExt, TryStreamExt};
use hc_flink_gateway::client::ClientError;
use hc_flink_gateway::model::Phase;

use crate::support::{Gateway, create, eventually, unique, values};

const STATEMENTS: i64 = 200;
const AT_A_TIME: usize = 8;

/// What a careful client does: asks again until somebody answers, and takes "exists already" for its own first try.
async fn post(gateway: &Gateway, name: &str, sql: &str) {
    let client = gateway.client();
    eventually(&format!("{name} to be taken"), async || {
        match client.post(name, sql, &BTreeMap::new()).await {
            Ok(_) | Err(ClientError::Refused { status: 409, .. }) => Some(()),
            Err(ClientError::Unreachable { .. }) => None,
            Err(error) => panic!("{name}: {error}"),
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_statements_none_is_lost_doubled_or_stuck() {
    let mut gateway = Gateway::start().await;
    let table = unique("gw_many");
    gateway.exec(&create(&table), Phase::Completed).await;
    let from = unique("gw_from");
    gateway.exec(&create(&from), Phase::Completed).await;
    gateway.exec(&values(&from, &[1]), Phase::Completed).await;

    let run = unique("load").replace('_', "-");
    // Tables to make, jobs to start, lists to show: what is told apart by its end.
    let kinds = |number: i64| match number % 10 {
        0 => (
            format!("INSERT INTO {table} SELECT CAST({number} AS BIGINT), text FROM {from}"),
            Phase::Running,
        ),
        1 | 2 => (create(&format!("{table}_{number}")), Phase::Completed),
        _ => ("SHOW TABLES".to_owned(), Phase::Completed),
    };
    let mut jobs = Vec::new();
    let name = |number: i64| format!("{run}-{number}");
    for half in [0..STATEMENTS / 2, STATEMENTS / 2..STATEMENTS] {
        let middle = half.start == 0;
        let posting = {
            let (gateway, name, kinds) = (&gateway, &name, &kinds);
            stream::iter(half.clone())
                .map(move |number| {
                    let (name, sql) = (name(number), kinds(number).0);
                    async move {
                        post(gateway, &name, &sql).await;
                        Ok::<_, ()>(())
                    }
                })
                .buffer_unordered(AT_A_TIME)
                .try_collect::<()>()
        };
        if middle {
            // Killed with statements on their way; they are sent again, as a client would.
            tokio::time::timeout(Duration::from_secs(2), posting)
                .await
                .ok();
            gateway.kill_and_restart().await;
            for number in half.clone() {
                post(&gateway, &name(number), &kinds(number).0).await;
            }
        } else {
            posting.await.unwrap();
        }
        // At most ten jobs at a time fit beside those of the other tests.
        for number in half {
            let (sql, phase) = kinds(number);
            let statement = gateway.until_phase(&name(number), phase).await;
            assert_eq!(statement.spec.statement, sql);
            if phase == Phase::Running {
                assert_eq!(gateway.running(&name(number)).await.len(), 1, "one job");
                jobs.push(number);
                gateway
                    .until_written(&table, i64::try_from(jobs.len()).unwrap())
                    .await;
            }
        }
        for number in jobs
            .iter()
            .filter(|number| (**number < STATEMENTS / 2) == middle)
        {
            gateway.client().delete(&name(*number)).await.unwrap();
            assert!(gateway.running(&name(*number)).await.is_empty());
        }
    }
    assert_eq!(
        gateway.written(&table).await,
        STATEMENTS / 10,
        "no row lost, none doubled"
    );
}
