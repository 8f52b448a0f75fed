//! Settings in the registry: by Group Policy, and by the installer.

use std::io;

use winreg::{
    RegKey, RegValue,
    enums::{HKEY_LOCAL_MACHINE, KEY_SET_VALUE, REG_DWORD},
    types::FromRegValue,
};

use super::{INSTALLER_KEY, Kind, Layer, POLICY_KEY, SETTINGS, Source};

/// By what the installer remembers that it was told not to start the service (property NOSTART).
const NO_START: &str = "NoStart";

/// What the registry says. A key that is not there says nothing.
///
/// # Errors
/// When the registry cannot be read, as when the system is out of resources: that must not look like
/// a policy that was taken back.
pub fn registry_layers() -> io::Result<Vec<Layer>> {
    let mut layers = Vec::new();
    for (source, key) in [(Source::Policy, POLICY_KEY), (Source::Installer, INSTALLER_KEY)] {
        if let Some(key) = found(RegKey::predef(HKEY_LOCAL_MACHINE).open_subkey(key))? {
            layers.push(Layer { source, values: values(&key)? });
        }
    }
    Ok(layers)
}

/// Keeps settings as the installer does.
///
/// # Errors
/// When the registry refuses, as it does to one who is no administrator.
pub fn keep_as_installer(layer: &Layer) -> io::Result<()> {
    let (key, _) = RegKey::predef(HKEY_LOCAL_MACHINE).create_subkey(INSTALLER_KEY)?;
    for (name, value) in &layer.values {
        if let Some(setting) = SETTINGS.iter().find(|setting| setting.name == name) {
            key.set_value(setting.policy, value)?;
        }
    }
    Ok(())
}

/// Forgets that the installer was told not to start the service: it runs.
///
/// # Errors
/// When the registry refuses.
pub fn forget_no_start() -> io::Result<()> {
    let root = RegKey::predef(HKEY_LOCAL_MACHINE);
    let Some(key) = found(root.open_subkey_with_flags(INSTALLER_KEY, KEY_SET_VALUE))? else {
        return Ok(());
    };
    found(key.delete_value(NO_START)).map(|_| ())
}

fn values(key: &RegKey) -> io::Result<Vec<(String, String)>> {
    let mut values = Vec::new();
    for setting in SETTINGS {
        let Some(raw) = found(key.get_raw_value(setting.policy))? else {
            continue;
        };
        let text = text(&raw, &setting.kind);
        // An empty text is how installers and policies write "not set".
        if !text.is_empty() {
            values.push((setting.name.to_owned(), text));
        }
    }
    Ok(values)
}

fn found<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// A value as text; one of a type that no setting has is passed on as what it looks like, to be
/// reported as invalid.
fn text(raw: &RegValue<'_>, kind: &Kind) -> String {
    if raw.vtype == REG_DWORD {
        let number = u32::from_reg_value(raw).unwrap_or_default();
        return match (kind, number) {
            (Kind::Switch, 0) => "false".to_owned(),
            (Kind::Switch, 1) => "true".to_owned(),
            _ => number.to_string(),
        };
    }
    String::from_reg_value(raw).unwrap_or_else(|_| format!("{raw:?}"))
}
