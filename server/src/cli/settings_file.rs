//! The file of settings: TOML, one setting a line, named as the options with `_` between words.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    os::unix::fs::PermissionsExt,
    path::Path,
};

use toml::{Table, Value};

/// Bytes of a file at most.
const BYTES: u64 = 1 << 20;

/// What a file sets: each setting's values, of which most have one.
#[derive(Debug, Default)]
pub(super) struct SettingsFile {
    /// By the setting's name.
    pub(super) values: BTreeMap<String, Vec<String>>,
    /// Whether users of the machine may read it whom nobody let.
    pub(super) is_open: bool,
}

impl SettingsFile {
    /// Reads a file; none where there is none.
    ///
    /// # Errors
    /// In words: when it cannot be read, is no TOML, or sets what is not `known`.
    pub(super) fn read(path: &Path, known: &BTreeSet<String>) -> Result<Option<Self>, String> {
        let metadata = match fs::metadata(path) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.to_string()),
        };
        if metadata.len() > BYTES {
            return Err(format!("it is larger than {BYTES} bytes"));
        }
        let text = fs::read_to_string(path).map_err(|error| error.to_string())?;
        let is_open = metadata.is_file() && metadata.permissions().mode() & 0o004 != 0;
        Ok(Some(Self { values: parse(&text, known)?, is_open }))
    }
}

fn parse(text: &str, known: &BTreeSet<String>) -> Result<BTreeMap<String, Vec<String>>, String> {
    let table: Table = text.parse().map_err(|error: toml::de::Error| error.to_string())?;
    let mut wrong = Vec::new();
    let mut values = BTreeMap::new();
    for (name, value) in table {
        if !known.contains(&name) {
            wrong.push(unknown(&name, known));
            continue;
        }
        match texts(value) {
            Some(texts) => {
                values.insert(name, texts);
            }
            None => wrong
                .push(format!("`{name}` is a text, a number, true or false, or a list of texts")),
        }
    }
    if wrong.is_empty() { Ok(values) } else { Err(wrong.join("; ")) }
}

fn unknown(name: &str, known: &BTreeSet<String>) -> String {
    let plain = |name: &str| name.to_lowercase().replace(['-', '.', ' '], "_");
    let spelt = plain(name.strip_prefix("POOLWATCH_").unwrap_or(name));
    match known.get(&spelt) {
        Some(meant) => format!("there is no setting `{name}`; it is called `{meant}`"),
        None => {
            format!("there is no setting `{name}`; `poolwatch-server config reference` lists all")
        }
    }
}

fn texts(value: Value) -> Option<Vec<String>> {
    Some(match value {
        Value::Array(values) => values.into_iter().map(text).collect::<Option<_>>()?,
        value => vec![text(value)?],
    })
}

fn text(value: Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text),
        Value::Integer(number) => Some(number.to_string()),
        Value::Boolean(is) => Some(is.to_string()),
        Value::Float(_) | Value::Datetime(_) | Value::Array(_) | Value::Table(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known() -> BTreeSet<String> {
        ["listen", "interval_s", "mail_to", "accept_later_schema"].map(str::to_owned).into()
    }

    #[test]
    fn a_file_holds_texts_numbers_switches_and_lists() {
        let text = "listen = '[::]:443'\ninterval_s = 30\nmail_to = ['a@b.test', 'c@d.test']\n\
                    accept_later_schema = true\n";
        let values = parse(text, &known()).unwrap();
        assert_eq!(values["listen"], ["[::]:443"]);
        assert_eq!(values["interval_s"], ["30"]);
        assert_eq!(values["mail_to"], ["a@b.test", "c@d.test"]);
        assert_eq!(values["accept_later_schema"], ["true"]);
        assert!(parse("", &known()).unwrap().is_empty());
    }

    #[test]
    fn what_is_wrong_is_said_at_once_and_by_name() {
        let error = parse("mail-to = 'x'\nlitsen = 'y'\nlisten = 1.5\n", &known()).unwrap_err();
        assert!(error.contains("no setting `mail-to`; it is called `mail_to`"), "{error}");
        assert!(error.contains("no setting `litsen`"), "{error}");
        assert!(error.contains("`listen` is a text"), "{error}");
        assert!(parse("listen = ", &known()).unwrap_err().contains("line 1"));
        assert!(parse("[listen]\nx = 1", &known()).is_err());
    }
}
