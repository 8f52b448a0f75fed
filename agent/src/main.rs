//! The agent's program.

mod commands;

use std::{
    io::{self, Write},
    process::ExitCode,
};

use commands::Parsed;
use tracing::error;

fn main() -> ExitCode {
    let done = match commands::parse(lexopt::Parser::from_env()) {
        Ok(Parsed::Cli(cli)) => commands::execute(*cli),
        Ok(Parsed::Text(text)) => io::stdout().write_all(text.as_bytes()).map_err(Into::into),
        Err(error) => {
            let _ = writeln!(io::stderr(), "{error}; see poolwatch-agent --help");
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever read the output has seen enough.
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            error!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let cause = error.root_cause().downcast_ref::<io::Error>();
    cause.is_some_and(|cause| cause.kind() == io::ErrorKind::BrokenPipe)
}
