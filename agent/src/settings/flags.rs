//! Flags and environment variables of every setting.

use std::fmt::Write;

use lexopt::{Error, Parser, ValueExt};

use super::{Kind, Layer, SETTINGS, Setting, Source};

/// What the command line and the environment say about settings.
#[derive(Debug, Clone, Default)]
pub struct SettingFlags {
    values: Vec<(String, String)>,
}

impl SettingFlags {
    /// Takes a flag's value, when the flag is one of a setting.
    ///
    /// # Errors
    /// When it has no value.
    pub fn take(&mut self, flag: &str, parser: &mut Parser) -> Result<bool, Error> {
        let Some(setting) = flagged().find(|setting| self::flag(setting) == flag) else {
            return Ok(false);
        };
        let value = match setting.kind {
            Kind::Switch => match parser.optional_value() {
                Some(value) => value.string()?,
                None => "true".to_owned(),
            },
            _ => parser.value()?.string()?,
        };
        self.put(setting, value);
        Ok(true)
    }

    /// Takes from the environment what no flag said.
    pub fn take_environment(&mut self) {
        for setting in flagged() {
            let is_said = self.values.iter().any(|(name, _)| name == setting.name);
            if let (false, Ok(value)) = (is_said, std::env::var(variable(setting))) {
                self.put(setting, value);
            }
        }
    }

    /// The same as a layer of settings.
    #[must_use]
    pub fn into_layer(self) -> Layer {
        Layer::new(Source::CommandLine, self.values)
    }

    /// A paragraph for each flag.
    #[must_use]
    pub fn help() -> String {
        flagged().fold(String::new(), |mut help, setting| {
            let (flag, variable) = (flag(setting), variable(setting));
            let _ = write!(help, "  --{flag} <VALUE>  [env: {variable}]\n      {}\n", setting.help);
            help
        })
    }

    fn put(&mut self, setting: &Setting, value: String) {
        self.values.retain(|(name, _)| name != setting.name);
        self.values.push((setting.name.to_owned(), value));
    }
}

/// The settings that have a flag.
fn flagged() -> impl Iterator<Item = &'static Setting> {
    SETTINGS.iter().filter(|setting| !setting.policy_only)
}

fn flag(setting: &Setting) -> String {
    setting.name.replace('_', "-")
}

fn variable(setting: &Setting) -> String {
    format!("POOLWATCH_{}", setting.name.to_ascii_uppercase())
}

#[cfg(test)]
mod tests {
    use lexopt::Arg;

    use super::*;

    #[test]
    fn every_setting_has_a_flag_but_those_of_group_policy_alone() {
        let mut parser = Parser::from_args(["--restart-services=BadApp"]);
        let _ = parser.next();
        assert!(!SettingFlags::default().take("restart-services", &mut parser).unwrap());
        for setting in flagged() {
            let mut parser = Parser::from_args([format!("--{}=x", flag(setting))]);
            let Ok(Some(Arg::Long(name))) = parser.next() else { panic!("{setting:?}") };
            let name = name.to_owned();
            let mut flags = SettingFlags::default();
            assert!(flags.take(&name, &mut parser).unwrap());
            assert_eq!(flags.into_layer().values, [(setting.name.to_owned(), "x".to_owned())]);
            assert!(SettingFlags::help().contains(setting.help));
        }
    }

    #[test]
    fn a_switch_needs_no_value_and_the_last_word_counts() {
        let mut parser = Parser::from_args(["--allow-http=false", "--allow-http", "run"]);
        let mut flags = SettingFlags::default();
        for _ in 0..2 {
            let Ok(Some(Arg::Long(name))) = parser.next() else { panic!() };
            let name = name.to_owned();
            assert!(flags.take(&name, &mut parser).unwrap());
        }
        assert_eq!(flags.into_layer().values, [("allow_http".into(), "true".into())]);
        assert!(matches!(parser.next(), Ok(Some(Arg::Value(_)))));
    }
}
