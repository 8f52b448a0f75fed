//! Settings in the registry: by Group Policy, and by the installer.

use winreg::{
    RegKey, RegValue,
    enums::{HKEY_LOCAL_MACHINE, REG_DWORD},
    types::FromRegValue,
};

use super::{Kind, Layer, SETTINGS, Source};

/// Where Group Policy writes, below `HKEY_LOCAL_MACHINE`.
pub const POLICY_KEY: &str = r"SOFTWARE\Policies\Poolwatch\Agent";
/// Where the installer writes, below `HKEY_LOCAL_MACHINE`.
pub const INSTALLER_KEY: &str = r"SOFTWARE\Poolwatch\Agent";

/// What the registry says. A key that is not there says nothing.
#[must_use]
pub fn registry_layers() -> Vec<Layer> {
    [(Source::Policy, POLICY_KEY), (Source::Installer, INSTALLER_KEY)]
        .into_iter()
        .filter_map(|(source, key)| {
            let key = RegKey::predef(HKEY_LOCAL_MACHINE).open_subkey(key).ok()?;
            Some(Layer { source, values: values(&key) })
        })
        .collect()
}

fn values(key: &RegKey) -> Vec<(String, String)> {
    SETTINGS
        .iter()
        .filter_map(|setting| {
            let raw = key.get_raw_value(setting.policy).ok()?;
            let text = text(&raw, &setting.kind);
            // An empty text is how installers and policies write "not set".
            (!text.is_empty()).then(|| (setting.name.to_owned(), text))
        })
        .collect()
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
