//! Random histories through the production SQL, and the same ones through an oracle in Rust: both must come to the same.
//!
//! `DIFFERENTIAL_SEED` chooses the history; a failure prints the seed of its own.

mod history;

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use hc_e2e::oracle::{alerts, compliance, drift, telemetry};
use hc_e2e::{Bench, Bound, Copy, Pipeline, Row, differences, until};

use self::history::History;

/// As in production, so that event time is the slowest partition's.
const PARTITIONS: u32 = 3;
/// From the last reading to the last row, on a busy machine.
const SETTLES_WITHIN: Duration = Duration::from_secs(60);
/// A wrong rule is wrong for thousands of rows.
const DIFFERENCES_SHOWN: usize = 25;

const READINGS: &str = "hc_raw_device_metrics";
const PRESCRIPTIONS: &str = "src_hc_prescriptions";

/// A fact that is compared with its oracle.
pub(crate) struct Subject {
    /// The statements that make it from readings and prescriptions; the last one writes it.
    pub(crate) tables: &'static [&'static str],
    reads_prescriptions: bool,
    /// Prescriptions change while readings come.
    is_corrected: bool,
    expected: fn(&History) -> Vec<Row>,
}

pub(crate) const SUBJECTS: [Subject; 4] = [
    Subject {
        tables: &["hc_fct_drift_evts"],
        reads_prescriptions: true,
        is_corrected: true,
        expected: |history| drift::rows(&drift::judge(&history.readings, &history.targets)),
    },
    Subject {
        tables: &["hc_fct_compliance_1h"],
        reads_prescriptions: true,
        is_corrected: true,
        expected: |history| compliance::hours(&history.readings, &history.targets),
    },
    Subject {
        tables: &["hc_fct_telemetry_1h"],
        reads_prescriptions: false,
        is_corrected: false,
        expected: |history| telemetry::hours(&history.readings, history.end),
    },
    Subject {
        tables: &["int_hc_prescriptions", "hc_fct_compliance_alerts"],
        reads_prescriptions: true,
        is_corrected: false,
        expected: |history| alerts::episodes(&history.readings, &history.targets),
    },
];

impl Subject {
    pub(crate) fn table(&self) -> &'static str {
        self.tables.last().copied().unwrap_or_default()
    }

    /// `differential/<table>`
    pub(crate) fn name(&self) -> String {
        format!("differential/{}", self.table())
    }

    pub(crate) async fn run(&self, bench: &Bench, copy: &Copy) -> Result<()> {
        let seed = match std::env::var("DIFFERENTIAL_SEED") {
            Ok(seed) => seed.parse().context("DIFFERENTIAL_SEED is no number")?,
            Err(_) => rand::random(),
        };
        let history = History::random(seed, self.is_corrected);
        let expected = (self.expected)(&history);
        let mut pipeline = bench.pipeline(copy, Bound::Unbounded, PARTITIONS).await?;
        let result = self.compare(&mut pipeline, &history, &expected).await;
        let closed = pipeline.close().await;
        result.and(closed).with_context(|| {
            format!("the history of DIFFERENTIAL_SEED={seed}, which makes the same one again")
        })
    }

    async fn compare(
        &self,
        pipeline: &mut Pipeline<'_>,
        history: &History,
        expected: &[Row],
    ) -> Result<()> {
        if self.reads_prescriptions {
            pipeline.send(PRESCRIPTIONS, &history.before).await?;
        }
        pipeline.start().await?;
        pipeline.running().await?;
        pipeline.consumed().await?;
        for round in &history.rounds {
            if !round.corrections.is_empty() {
                pipeline.send(PRESCRIPTIONS, &round.corrections).await?;
            }
            pipeline.send(READINGS, &round.readings).await?;
            // Watermarks are made between the rounds, so that what is late for one is found out.
            pipeline.consumed().await?;
        }
        pipeline.send(READINGS, &history.sentinels).await?;
        pipeline.consumed().await?;
        let reached = until("the oracle's rows", SETTLES_WITHIN, async || {
            let found = self.differences(pipeline, expected).await?;
            Ok(found.is_empty().then_some(()))
        });
        if reached.await.is_ok() {
            pipeline.checkpoint().await?;
        }
        let found = self.differences(pipeline, expected).await?;
        let late = pipeline.late_rows().await?;
        if !found.is_empty() {
            let lines = found.lines().count();
            let shown: Vec<&str> = found.lines().take(DIFFERENCES_SHOWN).collect();
            bail!(
                "{lines} of {} rows, {late} readings dropped as late:\n{}",
                expected.len(),
                shown.join("\n")
            );
        }
        ensure!(late == 0, "{late} readings were dropped as late");
        Ok(())
    }

    async fn differences(&self, pipeline: &Pipeline<'_>, expected: &[Row]) -> Result<String> {
        let key = pipeline.key_columns(self.table())?;
        differences(&key, expected, &pipeline.state(self.table()).await?)
    }
}
