//! Settings in the registry: by Group Policy, and by the installer.

use std::{io, thread, time::Duration};

use winreg::{
    RegKey,
    enums::{HKEY_LOCAL_MACHINE, KEY_SET_VALUE},
};

use super::{INSTALLER_KEY, Layer, POLICY_KEY, SETTINGS, Source, registry_value::read_value};

/// By what the installer remembers that it was told not to start the service (property NOSTART).
const NO_START: &str = "NoStart";

/// `ERROR_KEY_DELETED`: Group Policy takes the key away while it is read. Then it is read again, so often.
const KEY_DELETED: i32 = 1018;
const TRIES: usize = 10;
const TRY_AGAIN: Duration = Duration::from_millis(50);
/// `ERROR_BAD_FILE_TYPE`, by which `winreg` says that it does not know a value's type.
const UNKNOWN_TYPE: i32 = 222;

/// What the registry says. A key that is not there says nothing.
///
/// # Errors
/// When the registry cannot be read, as when the system is out of resources: that must not look like
/// a policy that was taken back.
pub fn registry_layers() -> io::Result<Vec<Layer>> {
    for _ in 1..TRIES {
        match read_layers() {
            Err(error) if error.raw_os_error() == Some(KEY_DELETED) => thread::sleep(TRY_AGAIN),
            read => return read,
        }
    }
    read_layers()
}

fn read_layers() -> io::Result<Vec<Layer>> {
    let mut layers = Vec::new();
    for (source, key) in [(Source::Policy, POLICY_KEY), (Source::Installer, INSTALLER_KEY)] {
        if let Some(key) = found(RegKey::predef(HKEY_LOCAL_MACHINE).open_subkey(key))? {
            layers.push(read_layer(source, &key)?);
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

fn read_layer(source: Source, key: &RegKey) -> io::Result<Layer> {
    let mut layer = Layer::new(source, Vec::new());
    for setting in SETTINGS {
        let name = setting.name.to_owned();
        let text = match found(key.get_raw_value(setting.policy)) {
            Ok(None) => continue,
            Ok(Some(raw)) => read_value(raw.vtype as u32, &raw.bytes, &setting.kind),
            Err(error) if error.raw_os_error() == Some(UNKNOWN_TYPE) => {
                Err("is of a type that the registry does not know".to_owned())
            }
            Err(error) => return Err(error),
        };
        match text {
            // An empty text is how installers and policies write "not set".
            Ok(text) if text.trim().is_empty() => {}
            Ok(text) => layer.values.push((name, text)),
            Err(why) => layer.unreadable.push((name, why)),
        }
    }
    Ok(layer)
}

fn found<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
