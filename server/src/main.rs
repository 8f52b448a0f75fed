//! The Poolwatch server: takes in what hosts measure, judges it, shows it, and warns.

use clap::Parser;
use poolwatch_server::cli::Cli;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    poolwatch_server::run(Cli::parse()).await
}
