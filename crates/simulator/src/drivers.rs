//! What is installed on a host.

use poolwatch_model::{
    PoolTag,
    driver_scan::{DriverScan, FileHash, FoundTag},
    inventory::{Driver, HostRole, Inventory, PoolSettings, Program, ProgramFile},
};
use sha2::{Digest, Sha256};

use crate::{
    hosts::{Era, HostPlan},
    patterns::rng::{SeededRng, Subject},
    tags::FOO_TAG,
};

/// Drivers that come with Windows.
const WINDOWS: [&str; 62] = [
    "ntoskrnl.exe",
    "hal.dll",
    "acpi.sys",
    "afd.sys",
    "ahcache.sys",
    "bam.sys",
    "beep.sys",
    "bowser.sys",
    "bindflt.sys",
    "cdfs.sys",
    "cdrom.sys",
    "ci.dll",
    "clfs.sys",
    "cng.sys",
    "compositebus.sys",
    "condrv.sys",
    "dfsc.sys",
    "disk.sys",
    "dxgkrnl.sys",
    "fastfat.sys",
    "fileinfo.sys",
    "fltmgr.sys",
    "fvevol.sys",
    "fwpkclnt.sys",
    "http.sys",
    "intelppm.sys",
    "kbdclass.sys",
    "kdnic.sys",
    "ks.sys",
    "ksecdd.sys",
    "lltdio.sys",
    "luafv.sys",
    "mouclass.sys",
    "mountmgr.sys",
    "mrxsmb.sys",
    "msfs.sys",
    "mssmbios.sys",
    "mup.sys",
    "ndis.sys",
    "netbt.sys",
    "netio.sys",
    "npfs.sys",
    "nsiproxy.sys",
    "ntfs.sys",
    "partmgr.sys",
    "pci.sys",
    "pdc.sys",
    "rdbss.sys",
    "rdpdr.sys",
    "spaceport.sys",
    "srv2.sys",
    "srvnet.sys",
    "storport.sys",
    "tcpip.sys",
    "tdx.sys",
    "tm.sys",
    "vdrvroot.sys",
    "volmgr.sys",
    "volsnap.sys",
    "wcifs.sys",
    "wdf01000.sys",
    "win32k.sys",
];

/// Drivers of vendors: name, company, versions, share of a hundred hosts.
const VENDORS: [(&str, &str, &[&str], u64); 14] = [
    ("vmxnet3.sys", "VMware, Inc.", &["1.9.17.0", "1.9.20.0"], 70),
    ("pvscsi.sys", "VMware, Inc.", &["1.3.26.0"], 66),
    ("vmci.sys", "VMware, Inc.", &["9.8.18.0"], 70),
    ("wdfilter.sys", "Microsoft Corporation", &["4.18.24090.11", "4.18.25010.5"], 96),
    ("edrdrv.sys", "Sentry Works", &["7.11.0.440", "7.12.1.512", "7.13.0.601"], 80),
    ("bkfilter.sys", "Vaultline", &["12.0.3.1", "12.1.0.9"], 52),
    ("auditflt.sys", "Clearlog", &["2.4.0.0", "2.5.1.0"], 38),
    ("mpioext.sys", "Northstor", &["4.0.11.3"], 18),
    ("raidmon.sys", "Northstor", &["6.14.2.0", "6.15.0.0"], 22),
    ("dlpkernel.sys", "Guardrail", &["3.3.0.12", "3.4.0.2"], 34),
    ("vpnndis.sys", "Tunnelworks", &["5.0.1.0"], 12),
    ("printhook.sys", "Inkwell", &["1.8.0.0", "1.9.0.0"], 16),
    ("hwinfo64.sys", "Boardmakers", &["8.2.0.1"], 26),
    ("timesrc.sys", "Atomic Time", &["2.0.0.7"], 9),
];

const UPDATES: [&str; 8] = [
    "KB5031364",
    "KB5032198",
    "KB5033118",
    "KB5034129",
    "KB5034770",
    "KB5035857",
    "KB5036909",
    "KB5037782",
];

/// Files of programs that run on every host.
const PROGRAM_FILES: [(&str, &str, &str); 3] = [
    ("lsass.exe", "10.0.20348.2849", "Microsoft Corporation"),
    ("spoolsv.exe", "10.0.20348.2849", "Microsoft Corporation"),
    ("svchost.exe", "10.0.20348.1", "Microsoft Corporation"),
];

/// Programs that every host has: name, version, publisher.
const PROGRAMS: [(&str, &str, &str); 3] = [
    ("VMware Tools", "12.3.5.22544099", "VMware, Inc."),
    ("Vaultline Backup Agent", "12.1.0.9", "Vaultline"),
    ("Sentry Works Endpoint", "7.13.0.601", "Sentry Works"),
];

/// What is installed on a host, with the drivers of causes: name, version and company of each.
pub(crate) fn inventory<'a>(
    seed: u64,
    plan: &HostPlan,
    of_causes: impl Iterator<Item = (&'a str, &'a str, &'a str)>,
) -> Inventory {
    let mut rng = SeededRng::of_subject(seed, Subject::Inventory, plan.index, 0);
    let os = plan.facts.os.as_ref();
    let of_windows = os.map(|os| format!("{}.{}.{}.{}", os.major, os.minor, os.build, os.revision));
    let file = |name: &str, version: Option<String>, company: &str| {
        let folder = if name == "ntoskrnl.exe" || name == "hal.dll" { "" } else { r"drivers\" };
        Driver {
            name: name.to_owned(),
            path: Some(format!(r"C:\Windows\System32\{folder}{name}")),
            size: Some(40_000 + 4096 * (name.len() as u64 * 37 % 200)),
            sha256: Some(hash(name, version.as_deref())),
            service: name.strip_suffix(".sys").map(str::to_owned),
            version,
            // Windows' own files are signed by a catalogue.
            signer: (!company.starts_with("Microsoft")).then(|| company.to_owned()),
            company: Some(company.to_owned()),
            linked: None,
        }
    };
    let mut drivers: Vec<Driver> = WINDOWS
        .iter()
        .map(|name| file(name, of_windows.clone(), "Microsoft Corporation"))
        .collect();
    if plan.era == Era::Legacy {
        drivers.push(file("srv.sys", of_windows, "Microsoft Corporation"));
        drivers.retain(|driver| {
            !matches!(
                driver.name.as_str(),
                "bam.sys" | "wcifs.sys" | "bindflt.sys" | "condrv.sys" | "pdc.sys" | "ci.dll"
            )
        });
    } else {
        for (name, company, versions, share) in VENDORS {
            let (found, version) = (rng.percent_chance(share), rng.pick(versions));
            if found {
                drivers.push(file(name, Some((*version).to_owned()), company));
            }
        }
    }
    drivers.extend(
        of_causes.map(|(name, version, company)| file(name, Some(version.into()), company)),
    );
    drivers.sort();
    let kept = rng.integer_between(4, 8) as usize;
    let updates = match plan.era {
        Era::Modern => UPDATES.iter().take(kept).map(|update| (*update).to_owned()).collect(),
        Era::Legacy => Vec::new(),
    };
    let programs = PROGRAMS.iter().map(|(name, version, publisher)| Program {
        name: (*name).to_owned(),
        version: Some((*version).to_owned()),
        publisher: Some((*publisher).to_owned()),
    });
    let program_files = PROGRAM_FILES.iter().map(|(image, version, company)| ProgramFile {
        image: (*image).to_owned(),
        path: format!(r"C:\Windows\System32\{image}"),
        version: Some((*version).to_owned()),
        company: Some((*company).to_owned()),
    });
    Inventory {
        drivers,
        updates,
        programs: programs.collect(),
        program_files: program_files.collect(),
        tag_list: None,
        cluster: None,
        machine_model: Some("VMware, Inc. VMware Virtual Platform".to_owned()),
        role: Some(HostRole::Server),
        pool_settings: PoolSettings {
            paged_pool_size: Some(0),
            nonpaged_pool_size: Some(0),
            crash_dump_enabled: Some(7),
            ..PoolSettings::default()
        },
    }
}

/// A file that is the same on every host that has it.
fn hash(name: &str, version: Option<&str>) -> FileHash {
    let file = format!("{name} {}", version.unwrap_or_default());
    FileHash::new(Sha256::digest(file).into())
}

/// What a scan of a driver's file finds: tags of the driver of a cause, and of vendors' drivers one that
/// is made of their name.
pub(crate) fn scan(driver: &Driver) -> Option<DriverScan> {
    let letters = driver.name.get(..4)?.as_bytes().try_into().ok()?;
    let tag = match driver.name.as_str() {
        "foo.sys" => Some(FOO_TAG),
        name => VENDORS.iter().any(|vendor| vendor.0 == name).then(|| PoolTag::new(letters)),
    };
    let found = tag.map(|tag| FoundTag { allocations: 3, frees: 2, ..FoundTag::new(tag) });
    Some(DriverScan {
        sha256: driver.sha256?,
        tags: found.into_iter().collect(),
        is_partial: false,
    })
}
