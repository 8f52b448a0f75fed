//! A small fleet to look at: the classic thread leak on an old file server, and what surrounds it.

#[path = "samples/account_pages.rs"]
mod account_pages;
#[path = "samples/alert_pages.rs"]
pub(crate) mod alert_pages;
#[path = "samples/enrolment.rs"]
pub(crate) mod enrolment;
#[path = "samples/fleet_pages.rs"]
mod fleet_pages;
#[path = "samples/host_pages.rs"]
mod host_pages;
#[path = "samples/incident_pages.rs"]
mod incident_pages;
#[path = "samples/lists.rs"]
pub(crate) mod lists;
#[path = "samples/pages.rs"]
pub(crate) mod pages;
#[path = "samples/settings_pages.rs"]
mod settings_pages;

pub(crate) use fleet_pages::{empty_fleet, fleet, hosts, hosts_asked};
pub(crate) use host_pages::{
    all_drivers, all_processes, all_tags, all_types, classic_host, stale_host, timeline,
};
pub(crate) use incident_pages::{incident_page, incidents, mail};

use jiff::Timestamp;
use poolwatch_model::{
    Bytes, HostId, Pool, PoolTag, Presence,
    comparison::{Attribute, AttributeCounts, Change, ChangeKind},
    diagnosis::{Bound, Diagnosis, Evidence, Headroom, Suspect, SuspectKind, TimeLeft, Verdict},
    event::{Event, ExhaustionProcess, MemoryExhaustion},
    host::{Arch, HostFacts, OsVersion},
    incident::{
        Acknowledgement, Cause, Confirmation, Incident, IncidentChange, IncidentId, IncidentState,
        Note, Noted, NoticeEvent, Picture, Reason, Trigger,
    },
    inventory::{HostRole, PoolSettings, ProgramFile},
    memory::{Ceiling, CeilingSource, Memory},
    person::Role,
    process::{ObjectTypeUse, ProcessActivity, ProcessUse},
    snapshot::{AgentCost, Collector, CollectorFault},
};
use poolwatch_web::{
    HostLink, Shell,
    drivers::DriverChangeRow,
    events::EventRow,
    evidence::{DiagnosisPage, IgnoredLine, ImportedFile, RecentDiagnosis, TagFound},
    fleet::{FleetCounts, FleetPage, FleetQuery, GrowingTag},
    histogram::PressureHistogram,
    host::{
        HOST_DRIVERS, HOST_PROCESSES, HOST_TAGS, HOST_TIMELINE, HOST_TYPES, HostDriver, HostHead,
        HostListFilter, HostListPage, HostPage, HostQuery, HostSection, InstalledView,
        LoadedDriverRow, PoolFailuresView, ProcessRow, ProcessTable, TagMeaning, TagRow,
        TagTableView, TimelineChoice, TimelineRow, TypeRow,
    },
    hosts::{HOSTS, HostRow, HostSource, HostsPage, TopProcess},
    incidents::{INCIDENTS, IncidentHost, IncidentPage, IncidentRow, IncidentsPage, OtherIncident},
    level::PoolLevel,
    list::{Filter, List, ListQuery, ListView, SavedViewLink},
    mail::{IncidentMail, MailProcess, MailTag, PoolChart},
    mark::IncidentMark,
    pool_choice::PoolChoice,
    sparkline::Sparkline,
    steps::{Method, NextStep, Steps},
};

pub(crate) const NOW: i64 = 1_772_547_720;
const MB: u64 = 1 << 20;
const GB: u64 = 1 << 30;

pub(crate) fn ago(seconds: i64) -> Timestamp {
    Timestamp::from_second(NOW - seconds).expect("a second of this century")
}

pub(crate) fn shell(url: &str) -> Shell {
    Shell {
        now: ago(0),
        person: "ana@corp.example".into(),
        role: Role::Admin,
        newest_data: Some(ago(4)),
        waiting: 3,
        url: url.into(),
    }
}

/// What an address asks of a list.
pub(crate) fn query<R, F: Filter>(
    list: &'static List<R>,
    path: &str,
    parameters: &[(&str, &str)],
) -> ListQuery<R, F> {
    let owned = parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    ListQuery::read(list, path, &owned.collect::<Vec<_>>()).expect("parameters of the list")
}

/// A list as it is first shown, without choice of groups.
pub(crate) fn listed<R, F: Filter>(
    list: &'static List<R>,
    path: &str,
    total: u64,
    rows: Vec<R>,
) -> ListView<R, F> {
    ListView::new(query(list, path, &[]), rows, total)
}

pub(crate) fn link(id: i32, name: &str) -> HostLink {
    HostLink { id: HostId(id), name: name.into() }
}

pub(crate) fn fs02() -> HostLink {
    link(1, "FS-02")
}

pub(crate) fn os(product: &str, build: u32, arch: Arch) -> OsVersion {
    let (major, minor) = if build < 4000 { (5, 2) } else { (10, 0) };
    OsVersion { product: product.into(), major, minor, build, revision: 1_607, arch }
}

pub(crate) fn server_2003() -> OsVersion {
    OsVersion { revision: 0, ..os("Windows Server 2003", 3790, Arch::X86) }
}

pub(crate) fn measured() -> Ceiling {
    Ceiling { bytes: Bytes::from_kib(217_112), source: CeilingSource::Measured }
}

pub(crate) fn tag(text: &str) -> PoolTag {
    text.parse().expect("a tag")
}

pub(crate) fn rising(from: u64, to: u64) -> Vec<Option<u64>> {
    (0..48u64)
        .map(|at| Some(from + (to - from) * at * at / (47 * 47) + (at * 7919 % 13) * (to / 900)))
        .collect()
}

pub(crate) fn level_line(value: u64) -> Vec<Option<u64>> {
    (0..48u64).map(|at| Some(value + (at * 7919 % 17) * (value / 1_500))).collect()
}

pub(crate) fn classic_level() -> PoolLevel {
    PoolLevel {
        pool: Pool::Nonpaged,
        used: Some(Bytes::from_kib(209_844)),
        ceiling: Some(measured()),
        physical: Some(Bytes(GB)),
    }
}

fn modern(pool: Pool, used: u64, ram: u64) -> PoolLevel {
    let ceiling = Bytes(if pool == Pool::Nonpaged { ram } else { ram + ram / 4 });
    PoolLevel {
        pool,
        used: Some(Bytes(used)),
        ceiling: Some(Ceiling { bytes: ceiling, source: CeilingSource::Documented }),
        physical: Some(Bytes(ram)),
    }
}

pub(crate) fn classic_diagnosis() -> Diagnosis {
    let thre = tag("Thre");
    Diagnosis {
        verdict: Verdict::Exhausted,
        pool: Some(Pool::Nonpaged),
        suspects: vec![Suspect {
            kind: SuspectKind::Process,
            name: Some("mybadapp.exe".into()),
            tags: vec![thre],
            confidence: 0.95,
            evidence: vec![
                Evidence::HandlesMatchObjects {
                    image: "mybadapp.exe".into(),
                    tag: thre,
                    handles: 90_472,
                    outstanding: 120_145,
                },
                Evidence::ProcessHandles {
                    image: "mybadapp.exe".into(),
                    pid: 416,
                    handles: 90_472,
                },
                Evidence::TagUse {
                    tag: thre,
                    pool: Pool::Nonpaged,
                    bytes: Bytes(76_892_800),
                    outstanding: 120_145,
                },
            ],
            ..Suspect::default()
        }],
        evidence: vec![
            Evidence::PoolEmptyEvent { pool: Pool::Nonpaged, event_id: 2019, time: ago(1_200) },
            Evidence::PoolUse {
                pool: Pool::Nonpaged,
                used: Bytes::from_kib(209_844),
                ceiling: Some(measured()),
            },
        ],
        ..Diagnosis::default()
    }
}

fn driver_diagnosis() -> Diagnosis {
    Diagnosis {
        verdict: Verdict::Leak,
        pool: Some(Pool::Nonpaged),
        suspects: vec![Suspect {
            kind: SuspectKind::Driver,
            name: Some("foo.sys".into()),
            tags: vec![tag("Fooo")],
            confidence: 0.78,
            evidence: vec![Evidence::TagGrowth {
                tag: tag("Fooo"),
                pool: Pool::Nonpaged,
                grown: Bytes(1_230 * MB),
                over_s: 86_400,
            }],
            ..Suspect::default()
        }],
        headroom: Some(Headroom {
            pool: Pool::Nonpaged,
            left: Bytes(13 * GB),
            bound: Bound::Commit,
        }),
        time_left: Some(TimeLeft {
            pool: Pool::Nonpaged,
            likely_s: 21_600,
            least_s: 18_000,
            most_s: Some(28_800),
        }),
        ..Diagnosis::default()
    }
}

fn high_use_diagnosis() -> Diagnosis {
    Diagnosis {
        verdict: Verdict::HighUse,
        pool: Some(Pool::Paged),
        suspects: vec![Suspect {
            kind: SuspectKind::Component,
            name: Some("the memory manager".into()),
            tags: vec![tag("MmSt")],
            confidence: 0.6,
            evidence: vec![Evidence::TagUse {
                tag: tag("MmSt"),
                pool: Pool::Paged,
                bytes: Bytes(3 * GB),
                outstanding: 812_400,
            }],
            ..Suspect::default()
        }],
        ..Diagnosis::default()
    }
}

pub(crate) fn incident(id: i64, host: i32, diagnosis: Diagnosis) -> Incident {
    let pool = diagnosis.pool.unwrap_or(Pool::Nonpaged);
    Incident {
        id: IncidentId(id),
        cause: Cause::PoolEmpty { host: HostId(host), pool },
        state: IncidentState::Open,
        opened: ago(4_500),
        last_seen: ago(1_200),
        findings: 3,
        diagnosis,
        hosts: vec![HostId(host)],
        worst: Some(HostId(host)),
    }
}

fn worst(host: HostLink, level: PoolLevel, trend: Sparkline) -> IncidentHost {
    IncidentHost { host, os: None, level, growth: Some(96 * MB as i64), trend }
}

pub(crate) fn causes() -> Vec<IncidentRow> {
    vec![
        IncidentRow {
            incident: incident(17, 1, classic_diagnosis()),
            hosts: 1,
            is_silenced: false,
            worst: Some(worst(
                fs02(),
                classic_level(),
                Sparkline::bytes(rising(88 * MB, 204 * MB)).marked(true),
            )),
        },
        IncidentRow {
            incident: Incident {
                opened: ago(190_000),
                last_seen: ago(60),
                ..incident(16, 7, driver_diagnosis())
            },
            hosts: 41,
            is_silenced: false,
            worst: Some(worst(
                link(7, "SQL-07"),
                modern(Pool::Nonpaged, 24 * GB + 300 * MB, 64 * GB),
                Sparkline::bytes(rising(20 * GB, 24 * GB)),
            )),
        },
        IncidentRow {
            incident: Incident {
                opened: ago(900_000),
                last_seen: ago(3_600),
                ..incident(12, 19, high_use_diagnosis())
            },
            hosts: 12,
            is_silenced: true,
            worst: Some(worst(
                link(19, "WEB-19"),
                modern(Pool::Paged, 6 * GB + 500 * MB, 16 * GB),
                Sparkline::bytes(level_line(6 * GB)),
            )),
        },
    ]
}

pub(crate) fn event(provider: &str, event_id: u32, seconds_ago: i64, data: &[&str]) -> Event {
    Event {
        channel: "System".into(),
        record_id: 90_000 - u64::from(seconds_ago.unsigned_abs() as u32 / 60),
        time: ago(seconds_ago),
        provider: provider.into(),
        event_id,
        level: Some(2),
        computer: None,
        data: data.iter().map(|&text| text.to_owned()).collect(),
        exhaustion: None,
    }
}

pub(crate) fn events() -> Vec<EventRow> {
    let srv = |id, ago| event("Srv", id, ago, &["\\Device\\LanmanServer"]);
    let mut commit = event("Microsoft-Windows-Resource-Exhaustion-Detector", 2004, 3_300, &[]);
    commit.exhaustion = Some(MemoryExhaustion {
        commit_limit: Some(Bytes(74 * GB)),
        committed: Some(Bytes(73 * GB)),
        top_processes: vec![ExhaustionProcess {
            image: "sqlservr.exe".into(),
            pid: 3_120,
            created: None,
            commit: Bytes(51 * GB),
            handles: 4_811,
        }],
        ..MemoryExhaustion::default()
    });
    let row = |host, event, incident: Option<i64>| EventRow {
        host,
        event,
        incident: incident.map(IncidentId),
        came: None,
    };
    vec![
        row(fs02(), srv(2019, 1_200), Some(17)),
        row(fs02(), srv(2019, 2_820), Some(17)),
        row(link(7, "SQL-07"), commit, None),
        row(fs02(), srv(2019, 4_500), Some(17)),
        row(link(33, "PRINT-01"), srv(2020, 28_800), Some(14)),
        row(
            link(33, "PRINT-01"),
            event(
                "Application Popup",
                333,
                28_860,
                &["An I/O operation initiated by the Registry failed"],
            ),
            None,
        ),
        row(link(7, "SQL-07"), event("Microsoft-Windows-Kernel-Power", 41, 90_000, &[]), None),
        row(link(19, "WEB-19"), event("EventLog", 6005, 260_000, &[]), None),
    ]
}

pub(crate) fn classic_row() -> HostRow {
    HostRow {
        host: fs02(),
        full_name: "FS-02".into(),
        os: Some(server_2003()),
        group: Some("Berlin/Files".into()),
        presence: Presence::Imported,
        booted: Some(ago(1_040_000)),
        nonpaged: classic_level(),
        paged: PoolLevel {
            pool: Pool::Paged,
            used: Some(Bytes(43 * MB)),
            ceiling: Some(Ceiling { bytes: Bytes(360 * MB), source: CeilingSource::Documented }),
            physical: Some(Bytes(GB)),
        },
        committed: Some(Bytes(1_480 * MB)),
        commit_limit: Some(Bytes(3_460 * MB)),
        nonpaged_growth: Some(61 * MB as i64),
        paged_growth: Some(0),
        top_process: Some(TopProcess { image: "mybadapp.exe".into(), pid: 416, handles: 90_472 }),
        taken: Some(ago(1_200)),
        received: Some(ago(1_150)),
        incident: Some(IncidentMark { id: IncidentId(17), verdict: Verdict::Exhausted }),
        left_s: Some(0),
    }
}

pub(crate) fn host_rows() -> Vec<HostRow> {
    let base = [
        (7, "SQL-07", "Berlin/Databases", 20_348, 64, 24_900, 1_230, 4_811, "sqlservr.exe", 41),
        (8, "SQL-08", "Berlin/Databases", 20_348, 64, 17_200, 1_180, 4_702, "sqlservr.exe", 12),
        (19, "WEB-19", "Hamburg/Web", 17_763, 16, 2_310, 24, 21_044, "w3wp.exe", 30),
        (33, "PRINT-01", "Hamburg/Print", 14_393, 8, 1_120, -31, 9_310, "spoolsv.exe", 8),
        (20, "WEB-20", "Hamburg/Web", 17_763, 16, 1_180, 3, 18_220, "w3wp.exe", 33),
        (51, "RDS-04", "Munich/Terminal", 20_348, 128, 4_410, 96, 6_204, "svchost.exe", 55),
        (52, "RDS-05", "Munich/Terminal", 20_348, 128, 4_120, 12, 6_110, "svchost.exe", 1_860),
        (61, "DC-01", "Domain Controllers", 26_100, 32, 870, 2, 48_112, "lsass.exe", 17),
        (62, "DC-02", "Domain Controllers", 26_100, 32, 840, 1, 46_901, "lsass.exe", 21),
    ];
    let rows = base.into_iter().map(
        |(id, name, group, build, ram_gb, used_mb, growth_mb, handles, image, seen)| {
            let product = match build {
                14_393 => "Windows Server 2016",
                17_763 => "Windows Server 2019",
                20_348 => "Windows Server 2022",
                _ => "Windows Server 2025",
            };
            let ram = ram_gb * GB;
            HostRow {
                host: link(id, name),
                full_name: format!("{name}.corp.example"),
                os: Some(os(product, build, Arch::X64)),
                group: Some(group.into()),
                presence: if seen > 300 { Presence::Silent } else { Presence::Live },
                booted: Some(ago(86_400 * i64::from(id))),
                nonpaged: modern(Pool::Nonpaged, used_mb * MB, ram),
                paged: modern(Pool::Paged, used_mb * MB / 2 + 700 * MB, ram),
                committed: Some(Bytes(ram / 2 + used_mb * MB)),
                commit_limit: Some(Bytes(ram + 8 * GB)),
                nonpaged_growth: Some(growth_mb * MB as i64),
                paged_growth: Some(growth_mb * 90_000),
                top_process: Some(TopProcess { image: image.into(), pid: 3_120, handles }),
                taken: Some(ago(seen)),
                received: Some(ago(seen)),
                incident: (id == 7)
                    .then_some(IncidentMark { id: IncidentId(16), verdict: Verdict::Leak }),
                left_s: [(7, 21_600), (8, 86_400)]
                    .into_iter()
                    .find(|one| one.0 == id)
                    .map(|one| one.1),
            }
        },
    );
    let mut all = vec![classic_row()];
    all.extend(rows);
    all.push(HostRow {
        host: link(70, "NEW-01"),
        full_name: "new-01.corp.example".into(),
        os: None,
        group: None,
        presence: Presence::Waiting,
        booted: None,
        nonpaged: PoolLevel { pool: Pool::Nonpaged, used: None, ceiling: None, physical: None },
        paged: PoolLevel { pool: Pool::Paged, used: None, ceiling: None, physical: None },
        committed: None,
        commit_limit: None,
        nonpaged_growth: None,
        paged_growth: None,
        top_process: None,
        taken: None,
        received: None,
        incident: None,
        left_s: None,
    });
    all
}

pub(crate) fn groups() -> Vec<String> {
    ["Berlin/Databases", "Berlin/Files", "Domain Controllers", "Hamburg/Print", "Hamburg/Web"]
        .map(str::to_owned)
        .to_vec()
}

pub(crate) fn steps() -> Vec<NextStep> {
    vec![
        NextStep {
            method: None,
            title: "Restart the service behind mybadapp.exe".into(),
            detail: "It releases the handles. Compare nonpaged pool before and after: what comes back is the proof.".into(),
            commands: vec!["net stop BadApp".into(), "net start BadApp".into()],
            caution: Some("Its users lose their connection for the moment.".into()),
            file: None,
        },
        NextStep {
            method: Some(Method::HandleCount),
            title: "See which handles it holds".into(),
            detail: "Thread handles that are never closed confirm the diagnosis for its maker.".into(),
            commands: vec!["handle.exe -p 416 -s".into()],
            caution: None,
            file: None,
        },
        NextStep {
            method: Some(Method::Debugger),
            title: "If the host hangs first, take a dump".into(),
            detail: "Then read it in the debugger.".into(),
            commands: vec!["!vm".into(), "!poolused 2".into(), "!process 0 0".into()],
            caution: None,
            file: None,
        },
    ]
}

pub(crate) fn tag_rows() -> Vec<TagRow> {
    let meaning =
        |text: &str, owner: &str| Some(TagMeaning { text: text.into(), owner: Some(owner.into()) });
    let row = |text: &str, pool, bytes, outstanding, change: Option<i64>, meaning| TagRow {
        host: HostId(1),
        tag: tag(text),
        pool,
        bytes: Bytes(bytes),
        outstanding,
        counted: Some((outstanding * 7, outstanding * 6)),
        change,
        trend: Sparkline::bytes(match change {
            Some(change) if change > 0 => rising(bytes - change as u64, bytes),
            _ => level_line(bytes),
        })
        .marked(text == "Thre"),
        meaning,
        suspect: text == "Thre",
        marked: false,
    };
    let np = Pool::Nonpaged;
    vec![
        row("Thre", np, 76_892_800, 120_145, Some(63_963_136), meaning("thread objects", "nt")),
        row("File", np, 29_946_176, 187_113, Some(1_310_720), meaning("file objects", "nt")),
        row("AfdE", np, 25_828_704, 89_683, Some(524_288), meaning("socket endpoints", "afd.sys")),
        row("TCPT", np, 18_765_824, 41_888, Some(0), meaning("TCP connections", "tcpip.sys")),
        row(
            "AfdC",
            np,
            17_465_088,
            90_964,
            Some(-65_536),
            meaning("socket connections", "afd.sys"),
        ),
        row(
            "MmSt",
            Pool::Paged,
            12_582_912,
            3_114,
            Some(8_192),
            meaning("section prototype page tables", "nt"),
        ),
        row("CM31", Pool::Paged, 9_437_184, 2_240, None, meaning("registry hives", "nt")),
        row("Gh05", Pool::Paged, 4_194_304, 912, None, None),
    ]
}

pub(crate) fn process_rows() -> Vec<ProcessRow> {
    let row = |pid, image: &str, handles, change, threads, private_mb, services: &[&str]| {
        let mut process = ProcessUse::new(pid, Some(ago(900_000)), image);
        process.handles = Some(handles);
        process.threads = threads;
        process.private_bytes = Some(private_mb * MB);
        process.nonpaged_quota = Some(u64::from(handles) * 112);
        process.paged_quota = Some(u64::from(handles) * 48);
        process.services = services.iter().map(|&name| name.to_owned()).collect();
        let suspect = image == "mybadapp.exe";
        let by_type: &[(&str, u32)] =
            if suspect { &[("Thread", 88_912), ("Event", 1_020), ("File", 540)] } else { &[] };
        let key = process.key;
        let activity =
            suspect.then_some(ProcessActivity { key, reads: 120, writes: 64, others: 941 });
        ProcessRow {
            host: HostId(1),
            process,
            by_type: by_type.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect(),
            activity,
            change,
            trend: Sparkline::counts(if suspect {
                rising(24_000, 90_472)
            } else {
                level_line(u64::from(handles))
            })
            .marked(suspect),
            suspect,
            marked: false,
        }
    };
    vec![
        row(416, "mybadapp.exe", 90_472, Some(66_480), Some(1_204), 212, &["BadApp"]),
        row(4, "System", 3_911, Some(12), Some(96), 0, &[]),
        row(812, "svchost.exe", 2_204, Some(-4), Some(41), 38, &["Dhcp", "Dnscache"]),
        row(388, "lsass.exe", 1_610, Some(0), Some(33), 24, &["SamSs", "Netlogon"]),
        row(1_240, "spoolsv.exe", 940, Some(3), Some(18), 19, &["Spooler"]),
        row(2_016, "explorer.exe", 702, None, Some(12), 31, &[]),
    ]
}

/// The steps of the classic case, those for its suspect before the others.
pub(crate) fn ordered_steps() -> Steps {
    let (general, first) = steps().into_iter().partition(|step| step.method.is_some());
    Steps { first, general }
}

/// The diagnosis of a debugger's texts.
pub(crate) fn diagnosed() -> DiagnosisPage {
    DiagnosisPage {
        shell: shell("/evidence/7"),
        id: "7".into(),
        at: ago(60),
        by: "ana".into(),
        understood: true,
        diagnosis: classic_diagnosis(),
        places: poolwatch_web::words::facts(&classic_diagnosis())
            .into_iter()
            .take(2)
            .map(|fact| (fact.clone(), vec!["poolused.txt:12".into(), "process.txt:3".into()]))
            .collect(),
        remarks: vec!["A process holds 273,020 handles. [handles.txt:1]".into()],
        steps: vec![],
        tags: vec![TagFound {
            tag: PoolTag::new(*b"Thre"),
            pool: Pool::Nonpaged,
            bytes: Some(Bytes(76_892_800)),
            outstanding: 120_145,
            meaning: Some("thread objects".into()),
            owners: "nt".into(),
        }],
        files: imported(),
        kept_for: None,
        may_keep: true,
        host: "FS-02".into(),
        error: None,
    }
}

/// The same in a table.
pub(crate) fn recent_diagnosis() -> RecentDiagnosis {
    RecentDiagnosis {
        id: "7".into(),
        at: ago(60),
        by: "ana".into(),
        files: 5,
        names: "vm.txt, poolused.txt, process.txt".into(),
        kept_for: Some(fs02()),
        understood: true,
        diagnosis: classic_diagnosis(),
    }
}

pub(crate) fn imported() -> Vec<ImportedFile> {
    let file =
        |name: &str, kind: Option<&str>, size, used, ignored: Vec<IgnoredLine>| ImportedFile {
            name: name.into(),
            kind: kind.map(Into::into),
            size: Bytes(size),
            used,
            ignored: ignored.len() as u64,
            ignored_lines: ignored,
            imported: ago(1_150),
        };
    let line = |number, text: &str, reason: &str| IgnoredLine {
        number,
        text: text.into(),
        reason: reason.into(),
    };
    vec![
        file(
            "vm.txt",
            Some("!vm"),
            1_412,
            12,
            vec![line(
                13,
                "********** Excessive NonPaged Pool Usage *****",
                "a remark of the debugger",
            )],
        ),
        file(
            "poolused.txt",
            Some("!poolused 2"),
            612,
            5,
            vec![line(2, "   Sorting by NonPaged Pool Consumed", "a heading")],
        ),
        file("process.txt", Some("!process 0 0"), 48_200, 642, vec![]),
        file("notes.docx", None, 18_240, 0, vec![]),
    ]
}
