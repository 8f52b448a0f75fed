//! What is installed on a host.

use poolwatch_model::{
    PoolTag,
    inventory::{HostRole, PoolSettings, ProgramFile},
};

/// What is installed on a host, in short.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct InstalledView {
    /// Loaded drivers of others than Microsoft, those whose tags are known first.
    pub drivers: Vec<LoadedDriverRow>,
    /// Loaded drivers in all.
    pub all_drivers: usize,
    /// The machine's maker and model.
    pub model: Option<String>,
    /// What Windows is there for.
    pub role: Option<HostRole>,
    /// Installed updates; 0 where none are told.
    pub updates: usize,
    /// Installed programs; 0 where none are told.
    pub programs: usize,
    /// Files of the programs that run with most handles, threads or quota.
    pub program_files: Vec<ProgramFile>,
    /// The failover cluster that it is a member of.
    pub cluster: Option<String>,
    /// Settings of the registry that bear on pool.
    pub settings: PoolSettings,
}

/// A loaded driver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadedDriverRow {
    /// File name.
    pub name: String,
    /// File version.
    pub version: Option<String>,
    /// Company that the file names.
    pub company: Option<String>,
    /// Tags that its code uses as an owner does, the likeliest first.
    pub tags: Vec<PoolTag>,
}

/// Windows sizes pools by itself where the registry says this.
const BY_WINDOWS: u32 = 0;
const AS_MUCH_AS_CAN_BE: u32 = u32::MAX;
/// The bit of `GlobalFlag` for pool tagging.
const POOL_TAGGING: u32 = 0x400;

impl InstalledView {
    /// What Windows is there for, in words.
    #[must_use]
    pub fn role_in_words(&self) -> Option<&'static str> {
        Some(match self.role? {
            HostRole::Workstation => "workstation",
            HostRole::Server => "server",
            HostRole::DomainController => "domain controller",
        })
    }

    /// Settings that are not as Windows has them by itself: name and value.
    #[must_use]
    pub fn unusual_settings(&self) -> Vec<(&'static str, String)> {
        let PoolSettings {
            paged_pool_size,
            nonpaged_pool_size,
            pool_usage_maximum,
            global_flag,
            verify_drivers,
            verify_driver_level,
            crash_dump_enabled,
            disable_paging_executive,
        } = &self.settings;
        let size = |value: &Option<u32>| match *value {
            None | Some(BY_WINDOWS) => None,
            Some(AS_MUCH_AS_CAN_BE) => Some("as much as can be".to_owned()),
            Some(bytes) => Some(poolwatch_model::Bytes(bytes.into()).to_string()),
        };
        let level = verify_driver_level.map(|level| format!("{level:#x}"));
        let tagging = global_flag.filter(|flag| flag & POOL_TAGGING != 0);
        let no_dump = crash_dump_enabled.filter(|kind| *kind == 0);
        let told = [
            ("PagedPoolSize", size(paged_pool_size)),
            ("NonPagedPoolSize", size(nonpaged_pool_size)),
            ("PoolUsageMaximum", pool_usage_maximum.map(|percent| format!("{percent} %"))),
            ("Pool tagging", tagging.map(|_| "switched on".to_owned())),
            ("Driver Verifier watches", verify_drivers.clone()),
            ("Driver Verifier flags", level),
            ("Memory dump", no_dump.map(|_| "none is written".to_owned())),
            (
                "DisablePagingExecutive",
                disable_paging_executive.filter(|on| *on != 0).map(|on| on.to_string()),
            ),
        ];
        told.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_somebody_changed_is_shown() {
        let usual = PoolSettings {
            paged_pool_size: Some(0),
            nonpaged_pool_size: Some(0),
            crash_dump_enabled: Some(7),
            global_flag: Some(0),
            disable_paging_executive: Some(0),
            ..PoolSettings::default()
        };
        let view = |settings| InstalledView { settings, ..InstalledView::default() };
        assert_eq!(view(usual.clone()).unusual_settings(), []);
        let changed = PoolSettings {
            paged_pool_size: Some(u32::MAX),
            pool_usage_maximum: Some(60),
            crash_dump_enabled: Some(0),
            verify_drivers: Some("foo.sys".into()),
            ..usual
        };
        let told = view(changed).unusual_settings();
        let told: Vec<String> =
            told.into_iter().map(|(name, value)| format!("{name} {value}")).collect();
        assert_eq!(
            told,
            [
                "PagedPoolSize as much as can be",
                "PoolUsageMaximum 60 %",
                "Driver Verifier watches foo.sys",
                "Memory dump none is written",
            ]
        );
    }
}
