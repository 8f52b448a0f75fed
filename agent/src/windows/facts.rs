//! Who the machine is.

#![expect(unsafe_code, reason = "names and versions come from calls that fill structures")]

use std::{io, ptr};

use poolwatch_model::{
    BootId,
    host::{Arch, HostFacts, OsVersion},
};
use uuid::Uuid;
use windows_sys::{
    Wdk::System::SystemServices::RtlGetVersion,
    Win32::System::SystemInformation::{
        ComputerNamePhysicalDnsFullyQualified, GetComputerNameExW, OSVERSIONINFOW,
    },
};
use winreg::{
    RegKey,
    enums::{HKEY_LOCAL_MACHINE, KEY_ALL_ACCESS, KEY_READ, KEY_WOW64_64KEY, REG_OPTION_VOLATILE},
};

use crate::active_directory::ou_of;

/// That of this program, which refuses to run on another.
const OWN_ARCH: Arch = match () {
    () if cfg!(target_arch = "aarch64") => Arch::Arm64,
    () if cfg!(target_arch = "x86") => Arch::X86,
    () => Arch::X64,
};

/// Who the machine is; what cannot be found out stays empty.
pub(super) fn facts() -> HostFacts {
    let machine_guid = text(r"SOFTWARE\Microsoft\Cryptography", "MachineGuid");
    let distinguished_name = text(
        r"SOFTWARE\Microsoft\Windows\CurrentVersion\Group Policy\State\Machine",
        "Distinguished-Name",
    );
    HostFacts {
        fqdn: computer_name().unwrap_or_default(),
        machine_guid: machine_guid.and_then(|guid| Uuid::parse_str(&guid).ok()),
        os: os_version(),
        physical: None,
        ou: distinguished_name.and_then(|name| ou_of(&name).map(str::to_owned)),
        site: text(r"SYSTEM\CurrentControlSet\Services\Netlogon\Parameters", "DynamicSiteName"),
        agent_version: Some(env!("CARGO_PKG_VERSION").to_owned()),
    }
}

/// The boot that the machine is in: a number kept in a registry key that is gone with the boot, so
/// that an agent that restarts finds it again.
///
/// # Errors
/// When the key cannot be made, as by one who is no administrator.
pub fn boot_id() -> io::Result<BootId> {
    const VALUE: &str = "BootId";
    // Made first, and to last: below a volatile key the installer could keep no settings.
    let (own, _) = RegKey::predef(HKEY_LOCAL_MACHINE)
        .create_subkey_with_flags(r"SOFTWARE\Poolwatch", KEY_ALL_ACCESS | KEY_WOW64_64KEY)?;
    let (key, _) = own.create_subkey_with_options_flags(
        "Boot",
        REG_OPTION_VOLATILE,
        KEY_ALL_ACCESS | KEY_WOW64_64KEY,
    )?;
    let known = key.get_value::<String, _>(VALUE).ok();
    if let Some(boot) = known.and_then(|text| Uuid::parse_str(&text).ok()) {
        return Ok(BootId(boot));
    }
    let boot = Uuid::new_v4();
    key.set_value(VALUE, &boot.to_string())?;
    Ok(BootId(boot))
}

pub(super) fn open(key: &str) -> Option<RegKey> {
    RegKey::predef(HKEY_LOCAL_MACHINE).open_subkey_with_flags(key, KEY_READ | KEY_WOW64_64KEY).ok()
}

fn text(key: &str, value: &str) -> Option<String> {
    open(key)?.get_value(value).ok().filter(|text: &String| !text.is_empty())
}

/// `GetComputerNameExW` (documented): the DNS name, or the short one of a host outside a domain.
fn computer_name() -> Option<String> {
    let kind = ComputerNamePhysicalDnsFullyQualified;
    let mut length = 0;
    // SAFETY: without a buffer the function only tells the length that it needs.
    unsafe { GetComputerNameExW(kind, ptr::null_mut(), &raw mut length) };
    let mut buffer = vec![0_u16; length as usize];
    // SAFETY: the function writes at most `length` units, which the buffer has.
    let succeeded = unsafe { GetComputerNameExW(kind, buffer.as_mut_ptr(), &raw mut length) };
    let name = buffer.get(..length as usize).filter(|_| succeeded != 0)?;
    String::from_utf16(name).ok()
}

/// `RtlGetVersion` (documented): the true version, whatever the exe's manifest says.
fn os_version() -> Option<OsVersion> {
    let mut version = OSVERSIONINFOW {
        dwOSVersionInfoSize: size_of::<OSVERSIONINFOW>() as u32,
        ..OSVERSIONINFOW::default()
    };
    // SAFETY: the structure says its own size, and the function writes no more.
    let status = unsafe { RtlGetVersion(&raw mut version) };
    if status != 0 {
        return None;
    }
    let current = r"SOFTWARE\Microsoft\Windows NT\CurrentVersion";
    let mut product = text(current, "ProductName").unwrap_or_else(|| "Windows".to_owned());
    // Windows 11 still calls itself 10 there.
    if version.dwBuildNumber >= 22_000 {
        product = product.replace("Windows 10", "Windows 11");
    }
    Some(OsVersion {
        product,
        major: version.dwMajorVersion,
        minor: version.dwMinorVersion,
        build: version.dwBuildNumber,
        revision: open(current).and_then(|key| key.get_value("UBR").ok()).unwrap_or(0),
        arch: OWN_ARCH,
    })
}
