//! What the registry tells of what is installed and how Windows is set up.

use std::collections::{BTreeSet, HashMap};

use poolwatch_model::inventory::{HostRole, Inventory, PoolSettings, Program};
use winreg::{RegKey, types::FromRegValue};

use super::{facts::open, program_files};

/// Keys of a list that are looked at: Windows keeps some thousand packages.
const PACKAGES: usize = 20_000;
const PROGRAMS: usize = 2_000;
const SERVICES: usize = 4_000;
/// Updates that are told, the last by number.
const UPDATES: usize = 1_000;
/// A package that is installed (`CBS_STATE_INSTALLED`).
const INSTALLED: u32 = 0x70;
/// Kinds of services that are drivers: of the kernel, of file systems, and what they recognise.
const DRIVERS: u32 = 0x0B;

/// Adds to an inventory what the registry tells and which programs run; what is not told stays missing.
pub fn ask_windows(inventory: &mut Inventory) {
    inventory.program_files = program_files::list();
    inventory.cluster = open("Cluster").as_ref().and_then(|key| text(key, "ClusterName"));
    let services = services_by_file();
    for driver in &mut inventory.drivers {
        driver.service = services.get(&driver.name.to_lowercase()).cloned();
    }
    inventory.updates = updates();
    inventory.programs = programs();
    inventory.machine_model = machine_model();
    inventory.role = role();
    inventory.pool_settings = pool_settings();
}

/// Names of the services of drivers, by the name of their files in small letters.
fn services_by_file() -> HashMap<String, String> {
    let mut services = HashMap::new();
    let Some(all) = open(r"SYSTEM\CurrentControlSet\Services") else { return services };
    for name in list_keys(&all, SERVICES) {
        let Ok(service) = all.open_subkey(&name) else { continue };
        if value(&service, "Type").is_none_or(|kind: u32| kind & DRIVERS == 0) {
            continue;
        }
        let path: Option<String> = value(&service, "ImagePath");
        let file = match path.as_deref().map(|path| path.rsplit('\\').next().unwrap_or(path)) {
            Some(file) if !file.is_empty() => file.to_lowercase(),
            _ => format!("{}.sys", name.to_lowercase()),
        };
        services.insert(file, name);
    }
    services
}

fn updates() -> Vec<String> {
    let mut updates = BTreeSet::new();
    let packages =
        open(r"SOFTWARE\Microsoft\Windows\CurrentVersion\Component Based Servicing\Packages");
    let Some(packages) = packages else { return Vec::new() };
    for name in list_keys(&packages, PACKAGES) {
        let Some(rest) = name.strip_prefix("Package_for_KB") else { continue };
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let number = &rest[..digits];
        let is_installed = || {
            let package = packages.open_subkey(&name).ok()?;
            Some(value::<u32>(&package, "CurrentState")? == INSTALLED)
        };
        let update = format!("KB{number}");
        if !number.is_empty() && !updates.contains(&update) && is_installed() == Some(true) {
            updates.insert(update);
        }
    }
    updates.into_iter().rev().take(UPDATES).collect()
}

fn programs() -> Vec<Program> {
    let mut programs = BTreeSet::new();
    for list in [
        r"SOFTWARE\Microsoft\Windows\CurrentVersion\Uninstall",
        r"SOFTWARE\WOW6432Node\Microsoft\Windows\CurrentVersion\Uninstall",
    ] {
        let Some(list) = open(list) else { continue };
        for key in list_keys(&list, PROGRAMS) {
            let Ok(key) = list.open_subkey(key) else { continue };
            let is_part = value(&key, "SystemComponent") == Some(1_u32)
                || value::<String>(&key, "ParentKeyName").is_some();
            if let Some(name) = text(&key, "DisplayName").filter(|_| !is_part) {
                let version = text(&key, "DisplayVersion");
                let publisher = text(&key, "Publisher");
                programs.insert(Program { name, version, publisher });
            }
        }
    }
    programs.into_iter().take(PROGRAMS).collect()
}

fn machine_model() -> Option<String> {
    let bios = open(r"HARDWARE\DESCRIPTION\System\BIOS")?;
    let parts = ["SystemManufacturer", "SystemProductName"].map(|name| text(&bios, name));
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join(" "))
}

fn role() -> Option<HostRole> {
    let options = open(r"SYSTEM\CurrentControlSet\Control\ProductOptions")?;
    match text(&options, "ProductType")?.to_lowercase().as_str() {
        "winnt" => Some(HostRole::Workstation),
        "servernt" => Some(HostRole::Server),
        "lanmannt" => Some(HostRole::DomainController),
        _ => None,
    }
}

fn pool_settings() -> PoolSettings {
    let control = r"SYSTEM\CurrentControlSet\Control";
    let manager = open(&format!(r"{control}\Session Manager"));
    let memory = open(&format!(r"{control}\Session Manager\Memory Management"));
    let crash = open(&format!(r"{control}\CrashControl"));
    let number = |key: &Option<RegKey>, name| key.as_ref().and_then(|key| value(key, name));
    PoolSettings {
        paged_pool_size: number(&memory, "PagedPoolSize"),
        nonpaged_pool_size: number(&memory, "NonPagedPoolSize"),
        pool_usage_maximum: number(&memory, "PoolUsageMaximum"),
        global_flag: number(&manager, "GlobalFlag"),
        verify_drivers: memory.as_ref().and_then(|key| text(key, "VerifyDrivers")),
        verify_driver_level: number(&memory, "VerifyDriverLevel"),
        crash_dump_enabled: number(&crash, "CrashDumpEnabled"),
        disable_paging_executive: number(&memory, "DisablePagingExecutive"),
    }
}

/// Names of the keys below a key, up to the first that Windows does not tell: it may be out of resources, and
/// say so without end.
fn list_keys(key: &RegKey, most: usize) -> impl Iterator<Item = String> {
    key.enum_keys().map_while(Result::ok).take(most)
}

fn value<T: FromRegValue>(key: &RegKey, name: &str) -> Option<T> {
    key.get_value(name).ok()
}

fn text(key: &RegKey, name: &str) -> Option<String> {
    let text: String = value(key, name)?;
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}
