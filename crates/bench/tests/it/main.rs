//! Needs no server.

#![expect(
    clippy::unwrap_used,
    reason = "the lints spare test functions, but not their helpers"
)]

use std::process::{Command, Output};

use clap::CommandFactory as _;
use hc_bench::cli::Cli;

fn bench(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_hc-bench"))
        .args(args)
        .env_remove("DATABASE_URL")
        .output()
        .unwrap()
}

#[test]
fn the_command_line_is_sound() {
    Cli::command().debug_assert();
}

#[test]
fn what_is_wrong_is_said() {
    let check = |args: &[&str], code: i32, said: &str| {
        let output = bench(args);
        let complaint = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{args:?}: {complaint}");
        assert!(complaint.contains(said), "{args:?}: {complaint}");
        assert!(output.stdout.is_empty(), "{args:?}");
    };
    check(&["rest"], 1, "give --url of a running server");
    check(
        &["rest", "--url", "http://127.0.0.1:1"],
        1,
        "cannot be reached; is the server running?",
    );
    check(
        &["rest", "--url", "localhost:8000"],
        2,
        "must look like http://",
    );
    check(
        &[
            "rest",
            "--url",
            "http://127.0.0.1:1",
            "--connections",
            "9",
            "--rows",
            "8",
        ],
        1,
        "--rows must be",
    );
    check(&["rest", "--seconds", "0"], 2, "must be more than nothing");
}
