use std::process::ExitCode;

fn main() -> ExitCode {
    hc_platform::cli::main()
}
