//! Windows version, memory and place of a host.

use poolwatch_model::{
    Bytes,
    host::{Arch, HostFacts, OsVersion},
};

use crate::{
    hosts::{Era, Machine, Role},
    patterns::rng::SeededRng,
    scenario::{CLASSIC_HOST, COMMIT_HOST, DRIVER_HOST, HIGH_USE_HOST, PAGED_HOST, Scenario},
};

/// Sites, with hours east of UTC.
const SITES: [(&str, i64); 4] = [("Berlin", 1), ("London", 0), ("Boston", -5), ("Singapore", 8)];

/// Product, build, update revisions, share of a hundred hosts.
const PRODUCTS: [(&str, u32, [u32; 2], u64); 4] = [
    ("Windows Server 2016", 14_393, [7428, 7515], 14),
    ("Windows Server 2019", 17_763, [6414, 6532], 30),
    ("Windows Server 2022", 20_348, [2762, 2849], 42),
    ("Windows Server 2025", 26_100, [2033, 2314], 14),
];

pub(super) fn draw_machine(
    scenario: &Scenario,
    index: usize,
    role: Role,
    name: &str,
    rng: &mut SeededRng,
) -> Machine {
    let (site, utc_offset_h) = *rng.pick(&SITES);
    let mut lot = rng.integer_below(100);
    let mut os = &PRODUCTS[0];
    for product in &PRODUCTS {
        os = product;
        if lot < product.3 {
            break;
        }
        lot -= product.3;
    }
    let revision = *rng.pick(&os.2);
    let gigabytes = match role {
        Role::FileServer | Role::Web | Role::DomainController => *rng.pick(&[8, 8, 16]),
        Role::App => *rng.pick(&[8, 16, 16, 32]),
        Role::Sql => *rng.pick(&[32, 64, 64]),
        Role::RemoteDesktop => *rng.pick(&[32, 64]),
        Role::Hypervisor => *rng.pick(&[128, 256]),
    };
    let planted = &scenario.plant;
    let (era, ram, page_file) = match index {
        // The public case: 262,012 pages, and two page files.
        CLASSIC_HOST if planted.classic => {
            (Era::Legacy, 1_048_048 << 10, (1_054_720 + 2_490_368) << 10)
        }
        // So little that one tag can take the commit limit.
        PAGED_HOST if planted.paged => (Era::Modern, 4 << 30, 0),
        DRIVER_HOST if planted.driver => (Era::Modern, 16 << 30, 8 << 30),
        HIGH_USE_HOST if planted.high_use => (Era::Modern, 64 << 30, 8 << 30),
        COMMIT_HOST if planted.commit => (Era::Modern, 16 << 30, 4 << 30),
        _ => (Era::Modern, gigabytes << 30, 4 << 30),
    };
    let modern = OsVersion {
        product: os.0.into(),
        major: 10,
        minor: 0,
        build: os.1,
        revision,
        arch: Arch::X64,
    };
    let os = match era {
        Era::Modern => modern,
        Era::Legacy => OsVersion {
            product: "Windows Server 2003".into(),
            major: 5,
            minor: 2,
            build: 3790,
            revision: 0,
            arch: Arch::X86,
        },
    };
    let unit = match role {
        Role::FileServer => "Files",
        Role::Sql => "Databases",
        Role::Web => "Web",
        Role::App => "Applications",
        Role::RemoteDesktop => "Remote Desktop",
        Role::Hypervisor => "Hypervisors",
        Role::DomainController => "Domain Controllers",
    };
    let ou = match role {
        Role::DomainController => "OU=Domain Controllers,DC=contoso,DC=test".to_owned(),
        _ => format!("OU={unit},OU={site},OU=Servers,DC=contoso,DC=test"),
    };
    let facts = HostFacts {
        fqdn: format!("{}.contoso.test", name.to_lowercase()),
        machine_guid: None,
        os: Some(os),
        physical: Some(Bytes(ram)),
        ou: Some(ou),
        site: Some(site.into()),
        agent_version: Some(if rng.percent_chance(80) { "0.1.0" } else { "0.0.9" }.into()),
    };
    Machine { facts, era, ram, page_file, utc_offset_h }
}
