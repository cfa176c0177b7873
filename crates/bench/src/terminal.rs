//! What a person or another program reads.

/// A line of the result.
#[expect(clippy::print_stdout, reason = "the result of the command")]
pub(crate) fn show(line: &str) {
    println!("{line}");
}

/// Progress, beside the result.
#[expect(clippy::print_stderr, reason = "progress of a command line tool")]
pub(crate) fn tell(line: &str) {
    eprintln!("hc-bench: {line}");
}
