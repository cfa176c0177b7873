//! `.env.example` names every variable that a binary offers in its help.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use hc_e2e::{binary, repository};

const COMMANDS: [(&str, &[&str]); 3] = [
    ("hc-api", &["serve", "migrate", "seed", "topics", "openapi"]),
    ("hc-flink-gateway", &["serve", "prepare", "deploy", "lake"]),
    (
        "hc-platform",
        &[
            "up", "dev", "exec", "down", "status", "logs", "doctor", "reset", "topics",
        ],
    ),
];

/// The names in `[env: NAME=value]` and `[env: NAME]`.
fn offered(help: &str) -> impl Iterator<Item = String> {
    let names = help
        .split("[env: ")
        .skip(1)
        .filter_map(|rest| rest.split(['=', ']']).next());
    names.map(str::to_owned)
}

#[test]
fn the_example_has_every_variable() -> Result<()> {
    let example = fs::read_to_string(repository().join(".env.example"))?;
    let named: BTreeSet<&str> = example
        .lines()
        .filter_map(|line| line.trim_start_matches(['#', ' ']).split_once('='))
        .map(|(name, _)| name)
        .collect();
    let mut missing = BTreeSet::new();
    for (program, subcommands) in COMMANDS {
        for subcommand in subcommands {
            let output = Command::new(binary(program))
                .args([subcommand, "--help"])
                .output()
                .with_context(|| format!("{program} {subcommand} --help"))?;
            ensure!(output.status.success(), "{program} {subcommand} --help");
            let help = String::from_utf8(output.stdout)?;
            missing.extend(offered(&help).filter(|name| !named.contains(name.as_str())));
        }
    }
    ensure!(missing.is_empty(), ".env.example lacks {missing:?}");
    Ok(())
}
