#[expect(clippy::print_stdout, reason = "a command line tool prints its result")]
fn main() {
    println!(
        "{}",
        hc_api::app::document().to_pretty_json().unwrap_or_default()
    );
}
