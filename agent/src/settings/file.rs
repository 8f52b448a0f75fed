//! The settings file: `name = value` in TOML, or one JSON object when its name ends in `.json`.

use std::{
    io,
    path::{Path, PathBuf},
};

use super::{Layer, Source};
use crate::{system_errors::passes, trust::read_trusted};

/// Why a settings file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// It cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It is not what its name says.
    #[error("{}: {reason}", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        reason: String,
    },
    /// A value is a list or a group of values.
    #[error("{}: {name} must be a text, a number, or true or false", path.display())]
    NoScalar {
        /// The file.
        path: PathBuf,
        /// The setting.
        name: String,
    },
}

impl FileError {
    /// Whether the file may be read a moment later: somebody holds it, or the machine lacks resources.
    #[must_use]
    pub fn passes(&self) -> bool {
        matches!(self, Self::Io { source, .. } if passes(source))
    }

    /// Whether there is no such file.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Io { source, .. } if source.kind() == io::ErrorKind::NotFound)
    }
}

/// Where the file is when nobody says otherwise.
#[must_use]
pub fn default_file() -> PathBuf {
    #[cfg(windows)]
    return crate::windows::own_folder().join("agent.toml");
    #[cfg(not(windows))]
    PathBuf::from("/etc/poolwatch/agent.toml")
}

/// Reads a settings file.
///
/// # Errors
/// When it cannot be read, could be somebody else's, is malformed, or a value is no scalar.
pub fn read_file(path: &Path) -> Result<Layer, FileError> {
    let text = read_trusted(path)
        .and_then(|bytes| String::from_utf8(bytes).map_err(io::Error::other))
        .map_err(|source| FileError::Io { path: path.to_owned(), source })?;
    let syntax = |reason: String| FileError::Syntax { path: path.to_owned(), reason };
    let is_json = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json"));
    let table: serde_json::Map<String, serde_json::Value> = if is_json {
        serde_json::from_str(&text).map_err(|error| syntax(error.to_string()))?
    } else {
        toml::from_str(&text).map_err(|error| syntax(error.to_string()))?
    };
    let mut values = Vec::with_capacity(table.len());
    for (name, value) in table {
        let text = match value {
            serde_json::Value::String(text) => text,
            serde_json::Value::Bool(switch) => switch.to_string(),
            serde_json::Value::Number(number) => number.to_string(),
            _ => return Err(FileError::NoScalar { path: path.to_owned(), name }),
        };
        values.push((name, text));
    }
    Ok(Layer::new(Source::File, values))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn read(name: &str, content: &str) -> Result<Vec<(String, String)>, FileError> {
        let folder = tempfile::TempDir::new().unwrap();
        let path = folder.path().join(name);
        fs::write(&path, content).unwrap();
        read_file(&path).map(|layer| layer.values)
    }

    #[test]
    fn toml_and_json_say_the_same() {
        let toml = "# what administrators write\nallow_http = true\ninterval_s = 30\n\
                    server_url = \"https://pool.example.net\"\n";
        let json = r#"{"allow_http": true, "interval_s": 30,
                       "server_url": "https://pool.example.net"}"#;
        let values = read("agent.toml", toml).unwrap();
        assert_eq!(values, read("agent.json", json).unwrap());
        assert_eq!(values[1], ("interval_s".to_owned(), "30".to_owned()));
    }

    #[test]
    fn a_malformed_file_is_an_error_that_says_where() {
        let error = read("agent.toml", "interval_s = \n").unwrap_err().to_string();
        assert!(error.contains("agent.toml") && error.contains("line 1"), "{error}");
        assert!(matches!(
            read("agent.toml", "collectors = [\"pool_tags\"]"),
            Err(FileError::NoScalar { .. })
        ));
        let missing = read_file(Path::new("/nowhere/agent.toml")).unwrap_err();
        assert!(missing.is_not_found() && !missing.passes(), "{missing}");
        // Held by a scanner or a backup.
        let source = io::Error::from_raw_os_error(32);
        assert!(FileError::Io { path: "agent.toml".into(), source }.passes());
    }
}
