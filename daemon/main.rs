//! The mutuald command.

use std::process::ExitCode;

fn main() -> ExitCode {
    mutuald::cli::main()
}
