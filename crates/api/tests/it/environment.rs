//! `.env.example` names every variable that the service reads.

use std::{fs, path::Path};

use clap::CommandFactory as _;
use hc_api::config::Cli;

#[test]
fn the_example_has_every_variable() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.env.example");
    let example = fs::read_to_string(path).unwrap();
    let named: Vec<&str> = example
        .lines()
        .filter_map(|line| line.trim_start_matches(['#', ' ']).split_once('='))
        .map(|(name, _)| name.trim())
        .collect();
    let missing: Vec<String> = Cli::command()
        .get_arguments()
        .filter_map(|argument| argument.get_env())
        .map(|name| name.to_string_lossy().into_owned())
        .filter(|name| !named.contains(&name.as_str()))
        .collect();
    assert!(missing.is_empty(), ".env.example lacks {missing:?}");
}
