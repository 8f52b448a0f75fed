//! Flags and environment variables of every setting.

use clap::{Arg, ArgMatches, Args, Command, FromArgMatches};

use super::{Kind, Layer, SETTINGS, Source};

/// What the command line and the environment say about settings.
#[derive(Debug, Clone, Default)]
pub struct SettingFlags {
    values: Vec<(String, String)>,
}

impl SettingFlags {
    /// The same as a layer of settings.
    #[must_use]
    pub fn into_layer(self) -> Layer {
        Layer { source: Source::CommandLine, values: self.values }
    }
}

impl Args for SettingFlags {
    fn augment_args(command: Command) -> Command {
        SETTINGS.iter().fold(command, |command, setting| {
            let arg = Arg::new(setting.name)
                .long(setting.name.replace('_', "-"))
                .env(format!("POOLWATCH_{}", setting.name.to_ascii_uppercase()))
                .value_name("VALUE")
                .help(setting.help)
                .help_heading("Settings")
                .hide_env_values(setting.secret)
                .global(true);
            command.arg(match setting.kind {
                Kind::Switch => {
                    arg.num_args(0..=1).require_equals(true).default_missing_value("true")
                }
                _ => arg,
            })
        })
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for SettingFlags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut flags = Self::default();
        flags.update_from_arg_matches(matches)?;
        Ok(flags)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        for setting in SETTINGS {
            if let Some(value) = matches.get_one::<String>(setting.name) {
                self.values.push((setting.name.to_owned(), value.clone()));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_has_a_flag() {
        let command = SettingFlags::augment_args(Command::new("agent"));
        let matches = command.get_matches_from(["agent", "--interval-s", "30", "--allow-http"]);
        let mut layer = SettingFlags::from_arg_matches(&matches).unwrap().into_layer();
        layer.values.retain(|(name, _)| ["interval_s", "allow_http"].contains(&name.as_str()));
        assert_eq!(
            layer.values,
            [("allow_http".into(), "true".into()), ("interval_s".into(), "30".into())]
        );
    }
}
