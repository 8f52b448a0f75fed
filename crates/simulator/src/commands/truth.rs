//! `truth`: print what is planted in a fleet.

use clap::Args;

use super::FleetOptions;

/// Options of `truth`.
#[derive(Debug, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    fleet: FleetOptions,
}

pub(super) fn run(options: &Options) -> anyhow::Result<()> {
    let fleet = options.fleet.fleet();
    let truth = fleet.truth(options.fleet.since(&fleet));
    println!("{}", serde_json::to_string_pretty(&truth)?);
    Ok(())
}
