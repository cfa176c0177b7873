//! The access log.

use std::{
    io,
    sync::{Arc, Mutex},
    thread::{self, ThreadId},
};

use serde_json::{Value, json};
use tracing_subscriber::fmt::MakeWriter;

use crate::support::TestApp;

/// What is logged on one thread, which is all that a test's own service does.
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
async fn each_request_is_one_event_without_anything_about_a_patient() {
    let lines = Lines {
        owner: thread::current().id(),
        text: Arc::default(),
    };
    let subscriber = tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_writer(lines.clone())
        .finish();
    // For the process: one that is set for a thread misses the events whose first occurrence is on another thread, in a
    // test that runs at the same time without a subscriber.
    tracing::subscriber::set_global_default(subscriber).unwrap();
    let app = TestApp::demo().await;
    app.get("/patients/P001").await;
    let body = json!({"patientId": "P001", "name": "Alice Secret"});
    let refused = app.post("/patients", body).await;
    app.stop().await;

    let text = String::from_utf8(lines.text.lock().unwrap().clone()).unwrap();
    let events: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .filter(|event: &Value| event["message"] == "request")
        .collect();
    let told: Vec<_> = events
        .iter()
        .map(|event| {
            (
                event["method"].as_str().unwrap(),
                event["route"].as_str().unwrap(),
                event["status"].as_u64().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            ("GET", "/patients/{patientId}", 200),
            ("POST", "/patients", 503)
        ]
    );
    assert_eq!(events[1]["span"]["request_id"], refused.json()["requestId"]);
    for secret in ["P001", "Alice", "Secret"] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
}
