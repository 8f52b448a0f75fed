//! The agent's program.

mod commands;

use std::{io::IsTerminal, process::ExitCode};

use clap::Parser;
use tracing::error;

fn main() -> ExitCode {
    let cli = commands::Cli::parse();
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_max_level(cli.log_level)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false)
        .init();
    match commands::execute(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            error!("{error:#}");
            ExitCode::FAILURE
        }
    }
}
