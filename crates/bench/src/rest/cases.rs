//! What is measured.

use anyhow::Context as _;
use clap::ValueEnum;
use hyper::{
    Method, StatusCode,
    header::{self, HeaderValue},
};
use serde::Serialize;

use super::rows::{Made, Rows};
use crate::{
    client::{Answer, Outgoing, Target},
    load::{self, Measurement, Plan, Traffic},
    process::Process,
};

/// One kind of request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Case {
    /// GET /health
    Health,
    /// GET /patients?limit=5
    Patients,
    /// GET /prescriptions?limit=5
    ListFew,
    /// GET /prescriptions?limit=1000
    ListMany,
    /// GET one prescription
    Get,
    /// POST a prescription
    Post,
    /// PUT a prescription, with If-Match
    Put,
}

impl Case {
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Health => "GET /health",
            Self::Patients => "GET /patients?limit=5",
            Self::ListFew => "GET /prescriptions?limit=5",
            Self::ListMany => "GET /prescriptions?limit=1000",
            Self::Get => "GET /prescriptions/{id}",
            Self::Post => "POST /prescriptions",
            Self::Put => "PUT /prescriptions/{id}",
        }
    }
}

pub(super) fn all() -> impl Iterator<Item = Case> {
    Case::value_variants().iter().copied()
}

/// One measurement of a case. What it creates is removed before it returns.
pub(super) async fn run(
    case: Case,
    rows: &Rows<'_>,
    made: &mut Vec<Made>,
    connections: usize,
    plan: Plan,
    server: Option<Process>,
) -> anyhow::Result<Measurement> {
    let target = rows.target;
    let shares = (0..connections).map(|index| share(made, index, connections));
    let paths = match case {
        Case::Put => {
            let traffic = shares.map(|rows| Put::new(target, rows)).collect();
            let (measured, traffic) = load::run(target, traffic, plan, server).await?;
            // With their new versions.
            *made = traffic.into_iter().flat_map(|put| put.rows).collect();
            return Ok(measured);
        }
        Case::Post => {
            let traffic = shares.map(|rows| Post::new(target, rows)).collect();
            let (measured, traffic) = load::run(target, traffic, plan, server).await?;
            let created: Vec<_> = traffic.into_iter().flat_map(|post| post.created).collect();
            rows.delete(&created).await?;
            return Ok(measured);
        }
        Case::Health => vec!["/health".to_owned()],
        Case::Patients => vec!["/patients?limit=5".to_owned()],
        Case::ListFew => vec!["/prescriptions?limit=5".to_owned()],
        Case::ListMany => vec!["/prescriptions?limit=1000".to_owned()],
        Case::Get => made.iter().map(|made| made.path.clone()).collect(),
    };
    let traffic = (0..connections).map(|_| Get::new(target, &paths)).collect();
    Ok(load::run(target, traffic, plan, server).await?.0)
}

/// Every `of`-th row, so that no two connections work on one device.
fn share(made: &[Made], index: usize, of: usize) -> Vec<Made> {
    made.iter().skip(index).step_by(of).cloned().collect()
}

/// The `sent`-th element, again from the first after the last.
fn turn<T>(elements: &[T], sent: usize) -> anyhow::Result<&T> {
    elements
        .get(sent.checked_rem(elements.len()).unwrap_or_default())
        .context("nothing to ask for")
}

/// Asks for one path after the other.
struct Get {
    target: Target,
    paths: Vec<String>,
    sent: usize,
}

impl Get {
    fn new(target: &Target, paths: &[String]) -> Self {
        Self {
            target: target.clone(),
            paths: paths.to_vec(),
            sent: 0,
        }
    }
}

impl Traffic for Get {
    fn next(&mut self) -> anyhow::Result<Outgoing> {
        let path = turn(&self.paths, self.sent)?;
        self.sent += 1;
        self.target.request(Method::GET, path, None)
    }

    fn expected(&self) -> StatusCode {
        StatusCode::OK
    }
}

/// Prescribes one period after the other for each of its devices: periods of a device must not overlap.
struct Post {
    target: Target,
    rows: Vec<Made>,
    sent: usize,
    created: Vec<String>,
}

impl Post {
    fn new(target: &Target, rows: Vec<Made>) -> Self {
        Self {
            target: target.clone(),
            rows,
            sent: 0,
            created: Vec::new(),
        }
    }
}

impl Traffic for Post {
    fn next(&mut self) -> anyhow::Result<Outgoing> {
        let body = turn(&self.rows, self.sent)?.body(1 + self.sent / self.rows.len());
        self.sent += 1;
        self.target
            .request(Method::POST, "/prescriptions", Some(body))
    }

    fn expected(&self) -> StatusCode {
        StatusCode::CREATED
    }

    fn answered(&mut self, answer: &Answer) {
        let location = answer.headers.get(header::LOCATION);
        let path = location.and_then(|value| value.to_str().ok());
        self.created.extend(path.map(str::to_owned));
    }
}

/// Replaces its rows, one after the other, each in the version of the last answer.
struct Put {
    target: Target,
    rows: Vec<Made>,
    sent: usize,
}

impl Put {
    fn new(target: &Target, rows: Vec<Made>) -> Self {
        Self {
            target: target.clone(),
            rows,
            sent: 0,
        }
    }
}

impl Traffic for Put {
    fn next(&mut self) -> anyhow::Result<Outgoing> {
        let row = turn(&self.rows, self.sent)?;
        let mut request = self
            .target
            .request(Method::PUT, &row.path, Some(row.body(0)))?;
        let tag = HeaderValue::from_str(&row.etag)?;
        request.headers_mut().insert(header::IF_MATCH, tag);
        Ok(request)
    }

    fn expected(&self) -> StatusCode {
        StatusCode::OK
    }

    fn answered(&mut self, answer: &Answer) {
        let tag = answer.headers.get(header::ETAG);
        let row = self.sent % self.rows.len();
        if let Some(tag) = tag.and_then(|value| value.to_str().ok()) {
            tag.clone_into(&mut self.rows[row].etag);
        }
        self.sent += 1;
    }
}
