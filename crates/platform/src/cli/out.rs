//! The one place that prints.

/// A line on standard output. A closed pipe (`| head`) is no error.
pub(crate) fn line(text: impl AsRef<str>) {
    use std::io::Write;
    let _ = writeln!(std::io::stdout(), "{}", text.as_ref());
}

/// The reason why the command failed.
pub(crate) fn error(error: &anyhow::Error) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr(), "hc-platform: {error:#}");
}
