//! Postgres goes away and comes back while clients read and write.

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use axum::http::Method;
use futures::future::join_all;
use hc_api::database;
use hc_platform::{Server, Stack};
use serde_json::{Value, json};
use sqlx::{
    PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};

use crate::{
    outage::until,
    support::{Answer, TestApp},
};

/// Clients of each kind.
const CLIENTS: usize = 3;
/// Answers of each client that a phase waits for.
const ENOUGH: usize = 5;

/// What the clients share.
struct Load<'a> {
    app: &'a TestApp,
    /// Odd while Postgres is surely away.
    epoch: Cell<usize>,
    ends: Cell<bool>,
    /// Successful answers of each client.
    served: RefCell<BTreeMap<String, usize>>,
    /// 503 of each client while Postgres was surely away.
    refused: RefCell<BTreeMap<String, usize>>,
}

impl<'a> Load<'a> {
    fn new(app: &'a TestApp) -> Self {
        Self {
            app,
            epoch: Cell::new(0),
            ends: Cell::new(false),
            served: RefCell::default(),
            refused: RefCell::default(),
        }
    }

    /// Sends a request for a client and checks what holds for every answer.
    async fn send(
        &self,
        client: &str,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<Value>,
    ) -> Answer {
        let before = self.epoch.get();
        let answer = self.app.send(method, path, headers, body).await;
        let surely_away = before % 2 == 1 && before == self.epoch.get();
        let tally = match answer.status.as_u16() {
            200 | 201 if !surely_away => &self.served,
            // Of the client's own doing: its write before was answered with 503 and has happened.
            412 if !surely_away => return answer,
            503 => {
                assert_eq!(answer.headers["retry-after"], "2");
                if !surely_away {
                    return answer;
                }
                &self.refused
            }
            _ => panic!("{client} {path}, Postgres surely away {surely_away}: {answer}"),
        };
        *tally.borrow_mut().entry(client.to_owned()).or_default() += 1;
        answer
    }

    /// Creates patients, each with a key under which it asks until it is told. The ids, as answered.
    async fn create(&self, number: usize) -> BTreeSet<String> {
        let client = format!("POST {number}");
        let mut created = BTreeSet::new();
        while !self.ends.get() {
            let id = format!("NEW-{number}-{}", created.len());
            let body = json!({
                "patientId": id, "name": "Somebody", "gender": "U", "birthDate": "1990-01-01",
                "zipCode": "15217", "timezone": "UTC",
            });
            let key = [("idempotency-key", id.as_str())];
            let mut told = false;
            while !told {
                let answer = self
                    .send(&client, Method::POST, "/patients", &key, Some(body.clone()))
                    .await;
                told = answer.status == 201;
            }
            created.insert(id);
        }
        created
    }

    /// Changes a patient without a precondition. How often that was answered with 200, and with 503.
    async fn patch(&self, number: usize) -> (i64, i64) {
        let client = format!("PATCH {number}");
        let path = format!("/patients/P00{}", number + 1);
        let (mut changed, mut unknown, mut version) = (0, 0, 1);
        while !self.ends.get() {
            let body = json!({ "name": format!("Name {}", changed + unknown) });
            let answer = self
                .send(&client, Method::PATCH, &path, &[], Some(body.clone()))
                .await;
            if answer.status == 200 {
                let after = answer.json();
                assert_eq!(after["name"], body["name"]);
                let newer = after["version"].as_i64().unwrap();
                assert!(newer > version, "{newer} after {version}");
                version = newer;
                changed += 1;
            } else {
                unknown += 1;
            }
        }
        (changed, unknown)
    }

    /// Replaces a device with the precondition that nobody else has. Counts as [`Load::patch`].
    async fn put(&self, number: usize) -> (i64, i64) {
        let client = format!("PUT {number}");
        let path = format!("/devices/DEV-P00{}", number + 1);
        let (mut changed, mut unknown) = (0, 0);
        let mut current = self.device(&client, &path).await;
        while !self.ends.get() {
            let etag = format!("\"{}\"", current["version"]);
            let mut body = current.clone();
            for field in ["version", "createdAt", "updatedAt"] {
                body.as_object_mut().unwrap().remove(field);
            }
            body["batteryLevel"] = json!((changed + unknown) % 100);
            let answer = self
                .send(
                    &client,
                    Method::PUT,
                    &path,
                    &[("if-match", &etag)],
                    Some(body),
                )
                .await;
            match answer.status.as_u16() {
                200 => {
                    changed += 1;
                    current = answer.json();
                }
                412 => current = self.device(&client, &path).await,
                _ => unknown += 1,
            }
        }
        (changed, unknown)
    }

    /// The device, when it is told.
    async fn device(&self, client: &str, path: &str) -> Value {
        loop {
            let answer = self.send(client, Method::GET, path, &[], None).await;
            if answer.status == 200 {
                return answer.json();
            }
        }
    }

    async fn read(&self, path: &str) {
        let client = format!("GET {path}");
        while !self.ends.get() {
            self.send(&client, Method::GET, path, &[], None).await;
        }
    }

    /// Waits until every client has been counted often enough in this tally, from nothing.
    async fn enough(&self, tally: &RefCell<BTreeMap<String, usize>>) {
        tally.borrow_mut().clear();
        until(|| {
            let counts = tally.borrow();
            counts.len() == 3 * CLIENTS + READ.len()
                && counts.values().all(|count| *count >= ENOUGH)
        })
        .await;
    }
}

const READ: [&str; 6] = [
    "/patients?limit=5",
    "/patients/P005",
    "/devices",
    "/prescriptions",
    "/prescriptions/RX-DEV-P003-Zt2x",
    "/drift",
];

/// A killed postmaster's processes need a moment to notice; until then they may still answer.
async fn silent(folder: &Path) {
    until(|| {
        !fs::read_dir("/proc").unwrap().flatten().any(|process| {
            fs::read_link(process.path().join("cwd")).is_ok_and(|place| place == folder)
        })
    })
    .await;
}

async fn versions(pool: &PgPool, sql: &'static str) -> Vec<i64> {
    sqlx::query_scalar(sql).fetch_all(pool).await.unwrap()
}

/// Every change that was answered with 200 has made a version; one that was answered with 503 may have.
fn assert_none_lost(versions: &[i64], counted: &[(i64, i64)]) {
    for (version, (changed, unknown)) in versions.iter().zip(counted) {
        let changes = version - 1;
        assert!(
            (*changed..=changed + unknown).contains(&changes),
            "{changes} changes, {changed} answered with 200, {unknown} with 503"
        );
    }
}

#[tokio::test]
async fn no_write_is_lost_and_no_read_is_stale_while_postgres_is_away() {
    let stack = Stack::builder()
        .servers([Server::Postgres])
        .start()
        .await
        .unwrap();
    let options: PgConnectOptions = stack.env()["DATABASE_URL"].parse().unwrap();
    let options = options.options([("statement_timeout", "15s")]);
    let pool = PgPoolOptions::new().connect_lazy_with(options);
    database::migrate(&mut pool.acquire().await.unwrap())
        .await
        .unwrap();
    let app = TestApp::seeded(pool.clone()).await;
    let postmaster = stack.pid(Server::Postgres).await.unwrap();
    let folder = fs::read_link(format!("/proc/{postmaster}/cwd")).unwrap();

    let load = Load::new(&app);
    let away = |surely: bool| {
        let epoch = load.epoch.get();
        assert_ne!(epoch % 2 == 1, surely);
        load.epoch.set(epoch + 1);
    };
    let story = async {
        load.enough(&load.served).await;
        for kill in [true, false] {
            if kill {
                stack.kill(Server::Postgres).await.unwrap();
            } else {
                stack.stop(Server::Postgres).await.unwrap();
            }
            silent(&folder).await;
            away(true);
            load.enough(&load.refused).await;
            away(false);
            stack.restart(Server::Postgres).await.unwrap();
            load.enough(&load.served).await;
        }
        load.ends.set(true);
    };
    let (created, patched, replaced, _, ()) = tokio::join!(
        join_all((0..CLIENTS).map(|number| load.create(number))),
        join_all((0..CLIENTS).map(|number| load.patch(number))),
        join_all((0..CLIENTS).map(|number| load.put(number))),
        join_all(READ.map(|path| load.read(path))),
        story,
    );

    let created: BTreeSet<String> = created.into_iter().flatten().collect();
    let found: Vec<String> =
        sqlx::query_scalar("SELECT patient_id FROM patients WHERE patient_id LIKE 'NEW-%'")
            .fetch_all(&pool)
            .await
            .unwrap();
    assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), created);
    let patients = "SELECT version FROM patients WHERE patient_id LIKE 'P00%' ORDER BY patient_id";
    assert_none_lost(&versions(&pool, patients).await, &patched);
    let devices = "SELECT version FROM devices ORDER BY device_id";
    assert_none_lost(&versions(&pool, devices).await, &replaced);
    app.stop().await;
}
