//! Where the settings of this run come from.

use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use poolwatch_agent::settings::{Layer, SettingFlags, Settings, default_file, read_file};

/// Flags and the settings file.
#[derive(Debug, Clone, Args)]
pub(super) struct SettingSources {
    /// Settings file: TOML, or JSON when its name ends in .json
    #[arg(long, global = true, env = "POOLWATCH_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,

    #[command(flatten)]
    flags: SettingFlags,
}

impl SettingSources {
    /// The settings that hold now. A file that was named must be there; the usual one may be missing.
    pub(super) fn read(&self) -> anyhow::Result<Settings> {
        let mut layers = vec![self.flag_layer()];
        layers.extend(registry_layers().context("cannot read the settings in the registry")?);
        match &self.config {
            Some(path) => layers.push(read_file(path)?),
            None if default_file().exists() => layers.push(read_file(&default_file())?),
            None => {}
        }
        Ok(Settings::resolve(layers))
    }

    /// What the flags alone say.
    pub(super) fn flag_layer(&self) -> Layer {
        self.flags.clone().into_layer()
    }
}

#[cfg(windows)]
fn registry_layers() -> std::io::Result<Vec<Layer>> {
    poolwatch_agent::settings::registry_layers()
}

#[cfg(not(windows))]
#[expect(clippy::unnecessary_wraps, reason = "fails on Windows")]
fn registry_layers() -> std::io::Result<Vec<Layer>> {
    Ok(Vec::new())
}
