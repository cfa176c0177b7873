//! The tuning file and the shipped SQL must know each other.

use std::fs;
use std::path::{Path, PathBuf};

use hc_flink_dialect::{QueryTuning, translate_query};
use hc_flink_gateway::tuning::Tuning;

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn tuning() -> Tuning {
    Tuning::load(&repository().join("platform/flink/statements.toml")).unwrap()
}

/// Text of the statement that fills a table.
fn dml(table: &str) -> String {
    let pipelines = repository().join("pipelines");
    let name = format!("dml.{table}.sql");
    for layer in fs::read_dir(&pipelines).unwrap() {
        let file = layer
            .unwrap()
            .path()
            .join("hc")
            .join(table)
            .join("sql-scripts")
            .join(&name);
        if file.exists() {
            return fs::read_to_string(file).unwrap();
        }
    }
    panic!("{name} is tuned, but is not in {}", pipelines.display());
}

#[test]
fn every_tuned_statement_is_shipped_and_takes_its_tuning() {
    let mut tuning = tuning();
    tuning.set_correction_window("2 h");
    for table in tuning.statements.keys() {
        let state_ttl = tuning.state_ttl(&[table]);
        let windows = state_ttl.len();
        let query = translate_query(&dml(table), &QueryTuning { state_ttl }).unwrap();
        assert_eq!(query.sql.matches("'2 h'").count(), windows, "{table}");
    }
}

#[test]
fn the_correction_window_is_the_readings_side_of_the_drift_join() {
    let mut tuning = tuning();
    assert!(tuning.state_ttl(&["hc_fct_drift_evts"]).is_empty());
    tuning.set_correction_window("2 h");
    assert_eq!(tuning.state_ttl(&["hc_fct_drift_evts"])["m"], "2 h");
}
