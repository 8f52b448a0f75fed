//! The Poolwatch server: takes in what hosts measure, judges it, shows it, and warns.

use clap::Parser;
use mimalloc::MiMalloc;
use poolwatch_server::cli::Cli;

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    poolwatch_server::run(Cli::parse()).await
}
