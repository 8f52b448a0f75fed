//! Where the settings of this run come from.

use std::{env, path::PathBuf};

use anyhow::Context;
use lexopt::Parser;
use poolwatch_agent::settings::{Layer, SettingFlags, Settings, default_file, read_file};

/// Flags and the settings file.
#[derive(Debug, Clone, Default)]
pub(super) struct SettingSources {
    config: Option<PathBuf>,
    flags: SettingFlags,
}

impl SettingSources {
    /// Takes a flag, when it is one of these.
    pub(super) fn take(&mut self, flag: &str, parser: &mut Parser) -> Result<bool, lexopt::Error> {
        match flag {
            "config" => self.config = Some(parser.value()?.into()),
            other => return self.flags.take(other, parser),
        }
        Ok(true)
    }

    /// Takes from the environment what no flag said.
    pub(super) fn take_environment(&mut self) {
        self.config =
            self.config.take().or_else(|| env::var_os("POOLWATCH_CONFIG").map(Into::into));
        self.flags.take_environment();
    }

    /// The settings that hold now. A file that was named must be there and good; the usual one may be
    /// missing, and is passed over with the reason when it cannot be used.
    ///
    /// # Errors
    /// When the registry or a file cannot be read now, or one that was named not at all.
    pub(super) fn read(&self) -> anyhow::Result<Settings> {
        let mut layers = vec![self.flag_layer()];
        layers.extend(registry_layers().context("cannot read the settings in the registry")?);
        let mut problem = None;
        match &self.config {
            Some(path) => layers.push(read_file(path)?),
            None => match read_file(&default_file()) {
                Ok(layer) => layers.push(layer),
                Err(error) if error.is_not_found() => {}
                Err(error) if error.passes() => return Err(error.into()),
                Err(error) => problem = Some(error.to_string()),
            },
        }
        let mut settings = Settings::resolve(layers);
        settings.problems.extend(problem);
        Ok(settings)
    }

    /// Whether neither flags nor the environment say anything.
    pub(super) fn is_empty(&self) -> bool {
        self.config.is_none() && self.flag_layer().values.is_empty()
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
