//! The command line, read: flags of all commands, flags of one, and what help says of them.

use std::{env, ffi::OsString, path::PathBuf};

use lexopt::{Arg, Error, Parser, ValueExt};
use poolwatch_agent::settings::SettingFlags;
use tracing::level_filters::LevelFilter;

use super::{Command, SettingSources};

/// What a command takes.
pub(super) trait Arguments {
    /// What help says of it.
    fn help(&self) -> &'static str;

    /// Takes a flag; false when there is no such one.
    fn flag(&mut self, _flag: &str, _parser: &mut Parser) -> Result<bool, Error> {
        Ok(false)
    }

    /// Takes a word that is no flag; false when there is no use for it.
    fn word(&mut self, _word: OsString) -> Result<bool, Error> {
        Ok(false)
    }

    /// Whether it has what it needs.
    fn check(&self) -> Result<(), Error> {
        Ok(())
    }
}

/// All that the command line says.
#[derive(Debug)]
pub(crate) struct Cli {
    pub(super) command: Command,
    pub(super) replay: Option<PathBuf>,
    pub(super) log_level: LevelFilter,
    pub(super) sources: SettingSources,
}

/// The command line, or what is to be printed instead of doing anything.
#[derive(Debug)]
pub(crate) enum Parsed {
    Cli(Box<Cli>),
    Text(String),
}

const HELP: &str = "\
Measures the kernel's memory pools of this Windows host and sends them to a Poolwatch server.

Usage: poolwatch-agent <COMMAND> [FLAGS]

Commands:
  run        Measure and send until stopped
  snapshot   Measure once and print it
  capture    Keep what the kernel says in a file, to be read on any machine
  selftest   Check that what is measured can be true, and write a report
  status     Show the settings that hold, where they come from, and what waits to be sent
  top        Show the pool tags as they change, with what they stand for
  service    Run as a Windows service (on Windows)
";

const COMMON: &str = "
Flags of all commands:
  --replay <FILE>  [env: POOLWATCH_REPLAY]
      Measure a capture instead of this machine
  --log-level <LEVEL>  [env: POOLWATCH_LOG]
      How much is logged: off, error, warn, info (the default), debug or trace
  --config <FILE>  [env: POOLWATCH_CONFIG]
      Settings file: TOML, or JSON when its name ends in .json
  --help, --version
";

/// Reads the command line and the environment.
///
/// # Errors
/// When something in it is not known, or missing.
pub(crate) fn parse(mut parser: Parser) -> Result<Parsed, Error> {
    let (mut command, mut replay, mut level, mut sources) =
        (None::<Command>, None, None, SettingSources::default());
    while let Some(arg) = parser.next()? {
        match arg {
            Arg::Long("help") | Arg::Short('h') => return Ok(Parsed::Text(help(command))),
            Arg::Long("version") | Arg::Short('V') => {
                let version = concat!("poolwatch-agent ", env!("CARGO_PKG_VERSION"), "\n");
                return Ok(Parsed::Text(version.to_owned()));
            }
            Arg::Long("replay") => replay = Some(parser.value()?.into()),
            Arg::Long("log-level") => level = Some(parser.value()?.parse()?),
            Arg::Long(flag) => {
                let flag = flag.to_owned();
                let is_known = sources.take(&flag, &mut parser)?
                    || match &mut command {
                        Some(command) => command.arguments().flag(&flag, &mut parser)?,
                        None => false,
                    };
                if !is_known {
                    return Err(Arg::Long(&flag).unexpected());
                }
            }
            Arg::Value(word) => match &mut command {
                Some(command) => {
                    if !command.arguments().word(word.clone())? {
                        return Err(Arg::Value(word).unexpected());
                    }
                }
                None => {
                    let name = word.string()?;
                    let known = Command::named(&name);
                    command = Some(known.ok_or_else(|| format!("there is no command {name}"))?);
                }
            },
            other @ Arg::Short(_) => return Err(other.unexpected()),
        }
    }
    let Some(mut command) = command else { return Err("no command is given".into()) };
    command.arguments().check()?;
    sources.take_environment();
    let replay = replay.or_else(|| env::var_os("POOLWATCH_REPLAY").map(Into::into));
    let log_level = match (level, env::var_os("POOLWATCH_LOG")) {
        (Some(level), _) => level,
        (None, Some(level)) => level.parse()?,
        (None, None) => LevelFilter::INFO,
    };
    Ok(Parsed::Cli(Box::new(Cli { command, replay, log_level, sources })))
}

fn help(command: Option<Command>) -> String {
    let own = command.map_or(HELP, |mut command| command.arguments().help());
    format!("{own}{COMMON}\nSettings:\n{}", SettingFlags::help())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn parsed(arguments: &[&str]) -> Result<Parsed, String> {
        parse(Parser::from_args(arguments)).map_err(|error| error.to_string())
    }

    #[test]
    fn flags_of_all_commands_stand_before_and_after_the_command() {
        let Ok(Parsed::Cli(cli)) =
            parsed(&["--replay", "a", "snapshot", "--json", "--log-level=warn"])
        else {
            panic!()
        };
        assert_eq!(cli.replay.as_deref(), Some(Path::new("a")));
        assert_eq!(cli.log_level, LevelFilter::WARN);
        assert!(matches!(cli.command, Command::Snapshot(_)));
    }

    #[test]
    fn what_is_not_known_or_missing_is_said() {
        for (arguments, said) in [
            (&[][..], "no command is given"),
            (&["walk"], "there is no command walk"),
            (&["run", "--twice"], "invalid option '--twice'"),
            (&["run", "now"], "unexpected argument \"now\""),
            (&["--once", "run"], "invalid option '--once'"),
            (&["capture"], "a file to write is needed"),
            (&["capture", "x", "--rounds", "0"], "--rounds is from 1 to 1000"),
            (&["selftest", "--anonymous"], "--anonymous needs --capture"),
            (&["snapshot", "--sort", "size"], "--sort is one of"),
            (&["top", "--every", "0"], "--every is from 1 to 3600"),
        ] {
            let error = parsed(arguments).unwrap_err();
            assert!(error.contains(said), "{arguments:?}: {error}");
        }
    }

    #[test]
    fn help_names_every_command_and_tells_the_flags_of_one() {
        let Ok(Parsed::Text(text)) = parsed(&["--help"]) else { panic!() };
        for name in ["run", "snapshot", "capture", "selftest", "status", "top"] {
            assert!(text.contains(&format!("\n  {name} ")), "{name}");
            let Ok(Parsed::Text(own)) = parsed(&[name, "--help"]) else { panic!() };
            assert!(own.contains(&format!("poolwatch-agent {name}")), "{own}");
        }
    }
}
