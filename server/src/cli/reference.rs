//! The reference of all settings, made of their one definition: `docs/configuration.md`.

use std::fmt::Write;

use clap::{Arg, CommandFactory};

use super::{
    Cli, USUAL_FILE,
    configuration::{settings, variable_of},
};

/// The page.
#[must_use]
pub fn render() -> String {
    let parser = Cli::command();
    let mut page = format!(
        "# Configuration\n\n\
         This page is made of the options' definition: `poolwatch-server config reference`.\n\n\
         A setting comes from, strongest first:\n\n\
         1. an option (`poolwatch-server serve --listen 0.0.0.0:443`),\n\
         2. a variable of the environment (`POOLWATCH_LISTEN=0.0.0.0:443`),\n\
         3. the file of settings, TOML (`listen = \"0.0.0.0:443\"`): `{USUAL_FILE}`, where it is there, \
         or the one that `--config` or `POOLWATCH_CONFIG` names,\n\
         4. its default.\n\n\
         Some settings can be set in the console as well; what stands here counts more. A setting \
         that takes several values is a list in the file, and values with the separator between them \
         elsewhere. A file with a setting that there is not, or a value that cannot be, keeps the \
         server from starting, and says which.\n\n\
         `poolwatch-server config check` prints each setting in effect with where it comes from, and \
         what is wrong: settings that contradict each other, a certificate that expired, a full disk, \
         a database that cannot be reached or was migrated by a later version. It takes the options of \
         `serve`, changes nothing, and ends with 0 when the server can start. The console shows the \
         same under Settings, This server.\n"
    );
    let mut section = String::new();
    for setting in settings(&parser) {
        let heading = setting.get_help_heading().unwrap_or("Server");
        if heading != section {
            heading.clone_into(&mut section);
            let _ = write!(
                page,
                "\n## {section}\n\n| Setting | Option | Variable | Default | |\n|---|---|---|---|---|\n"
            );
        }
        let _ = writeln!(page, "{}", row(setting));
    }
    page
}

fn row(setting: &Arg) -> String {
    let code = |text: &str| if text.is_empty() { String::new() } else { format!("`{text}`") };
    let defaults: Vec<_> =
        setting.get_default_values().iter().map(|value| value.to_string_lossy()).collect();
    format!(
        "| `{}` | `--{}` | {} | {} | {} |",
        setting.get_id(),
        setting.get_long().unwrap_or_default(),
        code(&variable_of(setting).unwrap_or_default()),
        code(&defaults.join(", ")),
        words(setting),
    )
}

/// What it means, and which values it takes.
fn words(setting: &Arg) -> String {
    let help = setting.get_long_help().or(setting.get_help());
    let mut words = help.map(ToString::to_string).unwrap_or_default().replace('\n', " ");
    if !words.ends_with('.') {
        words.push('.');
    }
    let values = setting.get_possible_values();
    let is_choice = !values.is_empty() && setting.get_action().takes_values();
    if is_choice {
        let names: Vec<String> =
            values.iter().map(|value| format!("`{}`", value.get_name())).collect();
        let _ = write!(words, " One of {}.", names.join(", "));
    }
    if let Some(separator) = setting.get_value_delimiter() {
        let _ = write!(words, " Several with `{separator}` between.");
    }
    words.replace('|', "\\|")
}
