//! What was asked for, and where each setting of it comes from: an option counts more than a variable
//! of the environment, that more than the file of settings, and that more than the default.

use std::{
    collections::BTreeSet,
    ffi::OsString,
    path::{Path, PathBuf},
    process::exit,
};

use clap::{
    Arg, ArgMatches, Command as Parser, CommandFactory, FromArgMatches, parser::ValueSource,
};

use super::{
    Cli, Command, ConfigCommand, ConfigOptions, ServeOptions, contradictions,
    settings_file::SettingsFile,
};

/// What a program ends with whose configuration is wrong (`EX_CONFIG` of sysexits.h).
const WRONG_CONFIGURATION: i32 = 78;
/// Begins the variables that are ours.
const VARIABLE_PREFIX: &str = "POOLWATCH_";
/// Options of the whole program that are settings.
const GLOBAL: [&str; 2] = ["log", "log_format"];
/// Settings of which one is named: an option or a variable for the one puts the file's other aside.
const ALTERNATIVES: [[&str; 2]; 2] = [["database", "database_url"], ["database_url", "database"]];

/// The command line, with what environment and file add to it.
#[derive(Debug)]
pub struct Invocation {
    /// What to do.
    pub cli: Cli,
    /// Where that comes from; of `serve` and `config check` alone.
    pub configuration: Configuration,
}

/// The settings in effect.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Configuration {
    /// The file of settings, where there is one.
    pub file: Option<PathBuf>,
    /// Each setting.
    pub settings: Vec<EffectiveSetting>,
    /// What contradicts or has no effect, in words. It keeps nothing from starting.
    pub warnings: Vec<String>,
}

/// A setting in effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EffectiveSetting {
    /// Its name in the file.
    pub name: String,
    /// Its variable in the environment.
    pub variable: Option<String>,
    /// Its value; none where nothing is set. A secret is not told.
    pub value: Option<String>,
    /// Where it comes from.
    pub source: SettingSource,
}

/// Where a setting comes from, weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SettingSource {
    /// Nobody set it.
    Default,
    /// The file of settings.
    File,
    /// A variable of the environment.
    Environment,
    /// An option.
    CommandLine,
}

impl SettingSource {
    /// The words for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::File => "file",
            Self::Environment => "environment",
            Self::CommandLine => "command line",
        }
    }
}

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigurationError {
    /// The file of settings.
    #[error("{}: {problem}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// An option, a variable or a value of the file; or somebody wants help.
    #[error(transparent)]
    Arguments(#[from] clap::Error),
}

impl ConfigurationError {
    /// Tells it and ends the program.
    pub fn exit(&self) -> ! {
        match self {
            Self::Arguments(error) if !error.use_stderr() => error.exit(),
            Self::Arguments(error) => {
                let _ = error.print();
            }
            Self::File { .. } => eprintln!("error: {self}"),
        }
        exit(WRONG_CONFIGURATION)
    }
}

/// Reads command line, environment and file. `variables` are the names of the environment's.
///
/// # Errors
/// When a setting is unknown, has no such value, or excludes another.
pub fn parse(
    arguments: impl IntoIterator<Item = OsString>,
    variables: impl IntoIterator<Item = OsString>,
) -> Result<Invocation, ConfigurationError> {
    let mut arguments: Vec<OsString> = arguments.into_iter().collect();
    let parser = Cli::command();
    let at_first = parser.clone().ignore_errors(true).try_get_matches_from(&arguments)?;
    let (file_path, is_named) = file_of(&at_first);
    let failed = |problem| ConfigurationError::File { path: file_path.clone(), problem };
    let file = SettingsFile::read(&file_path, &names_of(&settings(&parser))).map_err(failed)?;
    if file.is_none() && is_named {
        return Err(failed("there is no such file".to_owned()));
    }
    let mut from_file = BTreeSet::new();
    if let Some(file) = &file {
        from_file = add_from_file(&mut arguments, file, &parser, &at_first);
    }
    let matches = parser.clone().try_get_matches_from(&arguments)?;
    let cli = Cli::from_arg_matches(&matches)?;
    let mut configuration = Configuration::default();
    if let Some(options) = serve_options(&cli) {
        configuration.settings = settings(&parser)
            .into_iter()
            .map(|setting| effective(setting, last(&parser, &matches).1, &from_file))
            .collect();
        let settings = &configuration.settings;
        configuration.warnings = contradictions::find(options, |name| {
            settings.iter().any(|one| one.name == name && one.source != SettingSource::Default)
        });
        let known = variables_of(&parser);
        configuration.warnings.extend(unknown_variables(variables, &known));
        if let Some(warning) = file.as_ref().and_then(|file| open_secrets(file, &parser)) {
            configuration.warnings.push(warning);
        }
    }
    configuration.file = file.map(|_| file_path);
    Ok(Invocation { cli, configuration })
}

fn serve_options(cli: &Cli) -> Option<&ServeOptions> {
    match &cli.command {
        Command::Serve(options)
        | Command::Config(ConfigOptions { command: ConfigCommand::Check(options) }) => {
            Some(options)
        }
        _ => None,
    }
}

/// The file of settings, and whether somebody named it.
fn file_of(matches: &ArgMatches) -> (PathBuf, bool) {
    let path = matches.get_one::<PathBuf>("config").cloned();
    let is_named = matches.value_source("config").is_some_and(|it| it != ValueSource::DefaultValue);
    (path.unwrap_or_else(|| super::USUAL_FILE.into()), is_named)
}

/// All settings: what `serve` takes, and the log.
pub(super) fn settings(parser: &Parser) -> Vec<&Arg> {
    let serve = parser.find_subcommand("serve").into_iter().flat_map(Parser::get_arguments);
    let global = parser.get_arguments().filter(|arg| GLOBAL.contains(&arg.get_id().as_str()));
    serve.chain(global).filter(|arg| arg.get_long().is_some()).collect()
}

fn names_of(settings: &[&Arg]) -> BTreeSet<String> {
    settings.iter().map(|arg| arg.get_id().to_string()).collect()
}

/// The subcommand of a command line, with what it was given.
fn last<'a>(mut parser: &'a Parser, mut matches: &'a ArgMatches) -> (&'a Parser, &'a ArgMatches) {
    while let Some((name, below)) = matches.subcommand()
        && let Some(subcommand) = parser.find_subcommand(name)
    {
        (parser, matches) = (subcommand, below);
    }
    (parser, matches)
}

/// Adds what a file sets, and neither the command line nor the environment does, as options. Returns
/// the names of these settings.
fn add_from_file(
    arguments: &mut Vec<OsString>,
    file: &SettingsFile,
    parser: &Parser,
    matches: &ArgMatches,
) -> BTreeSet<String> {
    let (subcommand, matches) = last(parser, matches);
    let taken: Vec<&Arg> = settings(parser)
        .into_iter()
        .filter(|setting| {
            let id = setting.get_id();
            GLOBAL.contains(&id.as_str())
                || subcommand.get_arguments().any(|arg| arg.get_id() == id)
        })
        .collect();
    let is_explicit = |name: &str| {
        taken.iter().any(|arg| arg.get_id() == name)
            && matches.value_source(name).is_some_and(|it| it != ValueSource::DefaultValue)
    };
    let mut added = BTreeSet::new();
    // What stands behind it is no option.
    let end = arguments.iter().position(|one| one == "--").unwrap_or(arguments.len());
    let mut options = Vec::new();
    for setting in &taken {
        let (Some(long), name) = (setting.get_long(), setting.get_id().as_str()) else { continue };
        let Some(values) = file.values.get(name) else { continue };
        let mut others = ALTERNATIVES.iter().filter(|[this, _]| *this == name);
        if is_explicit(name) || others.any(|[_, other]| is_explicit(other)) {
            continue;
        }
        options.extend(values.iter().map(|value| OsString::from(format!("--{long}={value}"))));
        added.insert(name.to_owned());
    }
    let _ = arguments.splice(end..end, options);
    added
}

fn effective(
    setting: &Arg,
    matches: &ArgMatches,
    from_file: &BTreeSet<String>,
) -> EffectiveSetting {
    let name = setting.get_id().as_str();
    let source = match matches.value_source(name) {
        Some(ValueSource::CommandLine) if from_file.contains(name) => SettingSource::File,
        Some(ValueSource::CommandLine) => SettingSource::CommandLine,
        Some(ValueSource::EnvVariable) => SettingSource::Environment,
        _ => SettingSource::Default,
    };
    let values = matches
        .get_raw(name)
        .map(|values| values.map(|value| value.to_string_lossy()).collect::<Vec<_>>().join(", "));
    let value = values.filter(|value| !value.is_empty());
    EffectiveSetting {
        name: name.to_owned(),
        variable: variable_of(setting),
        value: value.map(|value| if is_secret(setting) { "(set)".to_owned() } else { value }),
        source,
    }
}

pub(super) fn variable_of(setting: &Arg) -> Option<String> {
    setting.get_env().map(|name| name.to_string_lossy().into_owned())
}

fn is_secret(setting: &Arg) -> bool {
    setting.is_hide_env_values_set()
}

/// Every variable that some command reads.
fn variables_of(parser: &Parser) -> BTreeSet<String> {
    let own = parser.get_arguments().filter_map(variable_of);
    own.chain(parser.get_subcommands().flat_map(variables_of)).collect()
}

fn unknown_variables(
    variables: impl IntoIterator<Item = OsString>,
    known: &BTreeSet<String>,
) -> Vec<String> {
    let names = variables.into_iter().filter_map(|name| name.into_string().ok());
    let unknown = names.filter(|name| name.starts_with(VARIABLE_PREFIX) && !known.contains(name));
    unknown
        .map(|name| format!("The variable {name} sets nothing: there is no such setting."))
        .collect()
}

/// A warning, when users of the machine can read secrets in a file.
fn open_secrets(file: &SettingsFile, parser: &Parser) -> Option<String> {
    let holds_secret = settings(parser)
        .into_iter()
        .any(|setting| is_secret(setting) && file.values.contains_key(setting.get_id().as_str()));
    (file.is_open && holds_secret).then(|| {
        "The file of settings holds secrets, and every user of this machine can read it: \
         `chmod 640` it, for the group that the server runs as."
            .to_owned()
    })
}

/// Whether a file is there, for those who say where settings come from.
#[must_use]
pub fn file_words(file: Option<&Path>) -> String {
    match file {
        Some(file) => file.display().to_string(),
        None => format!("none (there is no {})", super::USUAL_FILE),
    }
}
