//! Who runs on a host: image, services, and how much of everything.

use crate::{
    hosts::{Era, HostPlan, Role},
    patterns::rng::SeededRng,
};

/// A process in its usual state.
pub(super) struct Part {
    pub(super) image: String,
    pub(super) services: Vec<String>,
    pub(super) session: u32,
    pub(super) handles: u64,
    pub(super) threads: u64,
    pub(super) private_bytes: u64,
    pub(super) lively: bool,
}

/// Image, services, handles, threads, private megabytes.
type Row = (&'static str, &'static str, u64, u64, u64);

/// The first of every Windows.
const CORE: [Row; 11] = [
    ("System", "", 3600, 190, 1),
    ("smss.exe", "", 60, 3, 1),
    ("csrss.exe", "", 620, 13, 3),
    ("wininit.exe", "", 170, 3, 2),
    ("csrss.exe", "", 180, 11, 2),
    ("winlogon.exe", "", 270, 5, 3),
    ("services.exe", "", 780, 12, 7),
    ("lsass.exe", "Netlogon SamSs KeyIso", 1900, 16, 28),
    ("spoolsv.exe", "Spooler", 520, 14, 9),
    ("msdtc.exe", "MSDTC", 220, 9, 4),
    ("explorer.exe", "", 2100, 48, 70),
];

const MODERN: [Row; 14] = [
    ("Registry", "", 1, 4, 8),
    ("fontdrvhost.exe", "", 48, 5, 2),
    ("fontdrvhost.exe", "", 48, 5, 3),
    ("dwm.exe", "", 900, 14, 34),
    ("LogonUI.exe", "", 520, 9, 14),
    ("MsMpEng.exe", "WinDefend", 900, 42, 230),
    ("NisSrv.exe", "WdNisSvc", 210, 6, 5),
    ("poolwatch-agent.exe", "PoolwatchAgent", 160, 6, 5),
    ("sihost.exe", "", 560, 12, 7),
    ("taskhostw.exe", "", 260, 8, 8),
    ("RuntimeBroker.exe", "", 340, 5, 7),
    ("ctfmon.exe", "", 380, 9, 5),
    ("VGAuthService.exe", "VGAuthService", 150, 3, 3),
    ("vmtoolsd.exe", "VMTools", 380, 11, 18),
];

/// Services by the svchost that they live in.
const SVCHOSTS: [&str; 44] = [
    "BrokerInfrastructure DcomLaunch Power SystemEventsBroker",
    "RpcEptMapper RpcSs",
    "LSM",
    "TermService",
    "EventLog",
    "Dhcp",
    "NlaSvc",
    "Dnscache",
    "lmhosts",
    "W32Time",
    "Schedule",
    "ProfSvc",
    "gpsvc",
    "UserManager",
    "Themes",
    "SENS",
    "EventSystem",
    "nsi",
    "netprofm",
    "LanmanWorkstation",
    "LanmanServer",
    "CryptSvc",
    "BFE mpssvc",
    "IKEEXT",
    "PolicyAgent",
    "Winmgmt",
    "iphlpsvc",
    "DiagTrack",
    "DPS",
    "WdiSystemHost",
    "WinRM",
    "wuauserv",
    "BITS",
    "UsoSvc",
    "StateRepository",
    "AppXSvc",
    "TokenBroker",
    "LicenseManager",
    "SysMain",
    "FontCache",
    "CertPropSvc",
    "SessionEnv",
    "UmRdpService",
    "WinHttpAutoProxySvc",
];

/// Agents of vendors that a server collects over the years.
const AGENTS: [Row; 16] = [
    ("CcmExec.exe", "CcmExec", 1900, 44, 60),
    ("HealthService.exe", "HealthService", 1200, 50, 90),
    ("MonitoringHost.exe", "", 900, 40, 80),
    ("bkagent.exe", "BackupAgent", 420, 18, 40),
    ("edrsensor.exe", "EdrSensor", 1300, 62, 160),
    ("updatesvc.exe", "UpdateSvc", 240, 9, 12),
    ("inventoryd.exe", "InventoryAgent", 310, 11, 24),
    ("logshipper.exe", "LogShipper", 480, 22, 66),
    ("hwmgmt.exe", "HwManagement", 650, 24, 38),
    ("snmp.exe", "SNMP", 280, 8, 6),
    ("printmon.exe", "PrintMonitor", 190, 6, 8),
    ("timesync.exe", "TimeSyncAgent", 120, 4, 4),
    ("vaultproxy.exe", "VaultProxy", 260, 13, 30),
    ("metricsd.exe", "MetricsAgent", 300, 16, 42),
    ("licmgr.exe", "LicenceManager", 210, 8, 11),
    ("raidsvc.exe", "RaidService", 340, 12, 18),
];

fn of_role(role: Role) -> &'static [Row] {
    match role {
        Role::FileServer => &[
            ("dfsrs.exe", "DFSR", 1400, 36, 180),
            ("dfssvc.exe", "Dfs", 260, 11, 8),
            ("svchost.exe", "SrmSvc", 620, 18, 40),
        ],
        Role::Sql => &[
            ("sqlservr.exe", "MSSQLSERVER", 3900, 140, 9000),
            ("SQLAGENT.EXE", "SQLSERVERAGENT", 520, 22, 60),
            ("sqlwriter.exe", "SQLWriter", 130, 4, 5),
            ("ReportingServicesService.exe", "ReportServer", 1500, 52, 420),
        ],
        Role::Web => &[
            ("svchost.exe", "W3SVC WAS", 480, 22, 30),
            ("inetinfo.exe", "IISADMIN", 320, 10, 14),
            ("w3wp.exe", "", 1800, 52, 480),
            ("w3wp.exe", "", 1400, 44, 350),
            ("w3wp.exe", "", 1100, 38, 240),
        ],
        Role::App => &[
            ("appserver.exe", "AppServer", 2600, 96, 900),
            ("java.exe", "JobRunner", 1200, 88, 1400),
            ("node.exe", "ApiGateway", 520, 14, 210),
        ],
        Role::RemoteDesktop => &[
            ("svchost.exe", "TSGateway", 700, 25, 40),
            ("OUTLOOK.EXE", "", 3900, 60, 380),
            ("EXCEL.EXE", "", 1700, 34, 260),
            ("WINWORD.EXE", "", 1500, 30, 190),
            ("msedge.exe", "", 2200, 46, 320),
            ("msedge.exe", "", 600, 22, 180),
            ("msedge.exe", "", 520, 20, 150),
        ],
        Role::Hypervisor => &[
            ("vmms.exe", "vmms", 1900, 34, 70),
            ("vmcompute.exe", "vmcompute", 420, 12, 14),
            ("vmwp.exe", "", 640, 40, 60),
            ("vmwp.exe", "", 640, 40, 60),
            ("vmwp.exe", "", 620, 38, 60),
        ],
        Role::DomainController => &[
            ("dns.exe", "DNS", 900, 26, 190),
            ("ismserv.exe", "IsmServ", 210, 8, 5),
            ("ntfrs.exe", "NtFrs", 360, 16, 20),
        ],
    }
}

/// The processes of a host that run all the time, in the order in which they start.
pub(super) fn of(plan: &HostPlan, rng: &mut SeededRng) -> Vec<Part> {
    let mut parts: Vec<Part> = CORE.iter().map(|row| part(row, rng)).collect();
    if plan.era == Era::Legacy {
        let old = SVCHOSTS.iter().take(18).step_by(3);
        parts.extend(old.map(|services| svchost(services, rng)));
        parts.extend(of_role(plan.role).iter().map(|row| part(row, rng)));
        parts.extend(AGENTS.iter().take(4).map(|row| part(row, rng)));
        parts.iter_mut().for_each(|part| {
            part.private_bytes /= 3;
            part.handles = part.handles * 3 / 5;
            part.threads = part.threads * 3 / 5;
        });
        return parts;
    }
    parts.extend(MODERN.iter().map(|row| part(row, rng)));
    parts.extend(SVCHOSTS.iter().map(|services| svchost(services, rng)));
    parts.extend(of_role(plan.role).iter().map(|row| part(row, rng)));
    parts.extend(
        AGENTS
            .iter()
            .filter(|_| rng.percent_chance(55))
            .collect::<Vec<_>>()
            .into_iter()
            .map(|row| part(row, rng)),
    );
    let wanted = match plan.role {
        Role::RemoteDesktop => rng.integer_between(190, 245),
        _ => rng.integer_between(120, 170),
    };
    while parts.len() < wanted as usize {
        parts.push(usual(plan.role, rng));
    }
    // What all of them hold is bounded by what the host has.
    let total: u64 = parts.iter().map(|part| part.private_bytes).sum();
    let allowed = plan.ram / 100 * 45;
    if total > allowed {
        for part in &mut parts {
            part.private_bytes =
                (u128::from(part.private_bytes) * u128::from(allowed) / u128::from(total)) as u64;
        }
    }
    parts
}

fn part(&(image, services, handles, threads, megabytes): &Row, rng: &mut SeededRng) -> Part {
    let vary = |of: u64, rng: &mut SeededRng| {
        (of * rng.integer_between(80, 130).unsigned_abs() / 100).max(1)
    };
    let session = u32::from(services.is_empty() && megabytes > 10);
    Part {
        image: image.into(),
        services: services.split_whitespace().map(String::from).collect(),
        session,
        handles: vary(handles, rng),
        threads: vary(threads, rng),
        private_bytes: vary(megabytes << 20, rng),
        lively: handles > 800,
    }
}

fn svchost(services: &'static str, rng: &mut SeededRng) -> Part {
    let (handles, threads) = (rng.integer_between(110, 900), rng.integer_between(3, 22));
    let row = ("svchost.exe", services, handles.unsigned_abs(), threads.unsigned_abs(), 7);
    Part { session: 0, ..part(&row, rng) }
}

/// One of the processes of which a host has many.
fn usual(role: Role, rng: &mut SeededRng) -> Part {
    const ANYWHERE: [Row; 5] = [
        ("conhost.exe", "", 110, 4, 6),
        ("WmiPrvSE.exe", "", 240, 9, 12),
        ("dllhost.exe", "", 190, 8, 5),
        ("svchost.exe", "", 180, 5, 3),
        ("cmd.exe", "", 70, 1, 3),
    ];
    const OF_PEOPLE: [Row; 5] = [
        ("msedge.exe", "", 380, 18, 120),
        ("RuntimeBroker.exe", "", 290, 5, 7),
        ("rdpclip.exe", "", 260, 7, 3),
        ("Teams.exe", "", 1100, 40, 260),
        ("explorer.exe", "", 1900, 44, 60),
    ];
    let people = role == Role::RemoteDesktop && rng.percent_chance(75);
    let row = rng.pick(if people { &OF_PEOPLE } else { &ANYWHERE });
    Part { session: if people { 2 + rng.integer_below(20) as u32 } else { 0 }, ..part(row, rng) }
}

/// A process that lives for minutes.
pub(super) fn brief(rng: &mut SeededRng) -> Part {
    const BRIEF: [Row; 6] = [
        ("powershell.exe", "", 620, 14, 60),
        ("conhost.exe", "", 110, 4, 6),
        ("taskhostw.exe", "", 240, 7, 8),
        ("WmiPrvSE.exe", "", 210, 9, 12),
        ("SearchProtocolHost.exe", "", 330, 7, 3),
        ("cscript.exe", "", 180, 5, 9),
    ];
    let row = rng.pick(&BRIEF);
    Part { session: 0, ..part(row, rng) }
}
