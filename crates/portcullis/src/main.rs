//! The `portcullis` command.

fn main() -> std::process::ExitCode {
    std::process::ExitCode::from(portcullis::cli::main())
}
