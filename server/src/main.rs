//! The Poolwatch server: takes in what hosts measure, judges it, shows it, and warns.

use std::env;

use mimalloc::MiMalloc;
use poolwatch_server::cli;

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let invocation = cli::parse(env::args_os(), env::vars_os().map(|(name, _)| name));
    poolwatch_server::run(invocation.unwrap_or_else(|error| error.exit())).await
}
