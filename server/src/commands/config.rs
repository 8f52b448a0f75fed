//! `config`: the settings in effect, and what is wrong with them.

use anyhow::bail;

use super::preflight;
use crate::cli::{ConfigCommand, Configuration, ServeOptions, file_words, reference};

pub(crate) async fn run(
    command: ConfigCommand,
    configuration: &Configuration,
) -> anyhow::Result<()> {
    match command {
        ConfigCommand::Reference => {
            print!("{}", reference::render());
            Ok(())
        }
        ConfigCommand::Check(options) => check(&options, configuration).await,
    }
}

async fn check(options: &ServeOptions, configuration: &Configuration) -> anyhow::Result<()> {
    println!("File of settings: {}\n", file_words(configuration.file.as_deref()));
    for setting in &configuration.settings {
        let value = setting.value.as_deref().unwrap_or("(not set)");
        println!("{:<28} {:<40} {}", setting.name, value, setting.source.as_str());
    }
    println!();
    let found = preflight::inspect(options).await;
    for warning in configuration.warnings.iter().chain(&found.warnings) {
        println!("Warning: {warning}");
    }
    for error in &found.errors {
        println!("Error: {error}");
    }
    match found.errors.len() {
        0 => println!("The server can start."),
        1 => bail!("the server cannot start with this configuration: {}", found.errors[0]),
        errors => bail!("the server cannot start with this configuration: {errors} errors"),
    }
    Ok(())
}
