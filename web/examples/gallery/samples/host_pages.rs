//! The host of the classic case, and one that fell silent.

use super::*;

pub(crate) fn classic_host() -> HostPage {
    HostPage {
        shell: shell("/hosts/1"),
        query: HostQuery::default(),
        may_decide: true,
        may_label: true,
        host: HostHead {
            id: HostId(1),
            name: "FS-02".into(),
            namesakes: Vec::new(),
            clones: Vec::new(),
            renamed: None,
            labels: vec!["production".into()],
            groups: vec!["File servers".into()],
            note: "Ask <Ana> first.".into(),
            facts: HostFacts {
                fqdn: "fs-02.corp.example".into(),
                os: Some(server_2003()),
                physical: Some(Bytes(GB)),
                ou: Some("OU=Files,OU=Berlin,DC=corp,DC=example".into()),
                ..HostFacts::default()
            },
            source: HostSource::Imported,
            presence: Presence::Imported,
            booted: Some(ago(1_040_000)),
            last_seen: Some(ago(1_200)),
            is_damaged: false,
            is_capped: false,
            sent_24h: None,
        },
        diagnosis: Some(classic_diagnosis()),
        incident: Some(incident(17, 1, classic_diagnosis())),
        steps: ordered_steps(),
        nonpaged: classic_level(),
        paged: classic_row().paged,
        growth_24h: [Some(61 * MB as i64), Some(0)],
        memory: Memory {
            nonpaged: Some(Bytes::from_kib(209_844)),
            nonpaged_limit: Some(measured().bytes),
            physical: Some(Bytes::from_kib(1_048_048)),
            available: Some(Bytes::from_kib(253_760)),
            resident_available: Some(Bytes::from_kib(777_204)),
            committed: Some(Bytes(1_480 * MB)),
            commit_limit: Some(Bytes(3_460 * MB)),
            handles: Some(101_204),
            threads: Some(1_911),
            processes: Some(38),
            ..Memory::default()
        },
        has_history: true,
        tags: Some(TagTableView {
            total: 1_500,
            rows: tag_rows(),
            unexplained: [Some(Bytes(4_299_161)), None],
        }),
        processes: Some(ProcessTable { total: 38, rows: process_rows() }),
        object_types: object_types(),
        events: events().into_iter().filter(|row| row.host.id == HostId(1)).collect(),
        pool_failures: None,
        faults: vec![],
        cost: None,
        installed: Some(installed()),
        evidence: imported(),
    }
}

pub(crate) fn object_types() -> Vec<ObjectTypeUse> {
    [
        ("Thread", 120_102, 121_440),
        ("File", 187_004, 9_312),
        ("Event", 8_112, 9_870),
        ("Key", 2_210, 2_404),
        ("Process", 38, 312),
    ]
    .map(|(name, objects, handles)| ObjectTypeUse {
        name: name.into(),
        objects,
        handles,
        peak_objects: objects + objects / 50,
        peak_handles: handles + handles / 40,
    })
    .to_vec()
}

/// A host whose agent fell silent, with little to show.
pub(crate) fn stale_host() -> HostPage {
    let row = host_rows().into_iter().find(|row| row.host.id == HostId(52)).expect("RDS-05");
    HostPage {
        shell: shell("/hosts/52"),
        host: HostHead {
            id: HostId(52),
            name: "RDS-05".into(),
            namesakes: Vec::new(),
            clones: Vec::new(),
            renamed: None,
            labels: vec!["production".into()],
            groups: vec!["File servers".into()],
            note: "Ask <Ana> first.".into(),
            facts: HostFacts {
                fqdn: "rds-05.corp.example".into(),
                os: row.os.clone(),
                site: Some("Munich".into()),
                agent_version: Some("0.1.0".into()),
                ..HostFacts::default()
            },
            source: HostSource::Agent,
            presence: row.presence,
            booted: row.booted,
            last_seen: row.received,
            is_damaged: false,
            is_capped: false,
            sent_24h: Some(Bytes(2_612_000)),
        },
        diagnosis: None,
        incident: None,
        steps: Steps::default(),
        nonpaged: row.nonpaged,
        paged: row.paged,
        growth_24h: [Some(12 * MB as i64), None],
        memory: Memory { physical: Some(Bytes(128 * GB)), ..Memory::default() },
        has_history: false,
        tags: None,
        processes: None,
        object_types: vec![],
        events: vec![],
        pool_failures: Some(PoolFailuresView { nonpaged: 12, paged: 1, last: ago(1_400) }),
        faults: vec![
            CollectorFault { collector: Collector::PoolTags, status: 0xC000_009A },
            CollectorFault { collector: Collector::Services, status: 1_722 },
            CollectorFault { collector: Collector::Handles, status: 5 },
        ],
        cost: Some(AgentCost {
            cpu_us: 3_140,
            cycle_us: 11_200,
            private_bytes: 4_800_000,
            spool_bytes: 48_000,
            held: None,
        }),
        installed: None,
        evidence: vec![],
        ..classic_host()
    }
}

fn installed() -> InstalledView {
    let row = |name: &str, tags: Vec<PoolTag>| LoadedDriverRow {
        name: name.into(),
        version: Some("5.1.0.2".into()),
        company: Some("Foo Systems".into()),
        tags,
    };
    InstalledView {
        drivers: vec![row("foo.sys", vec![tag("Fooo")]), row("bar.sys", Vec::new())],
        all_drivers: 164,
        model: Some("VMware, Inc. VMware Virtual Platform".into()),
        role: Some(HostRole::Server),
        updates: 12,
        programs: 31,
        program_files: vec![ProgramFile {
            image: "mybadapp.exe".into(),
            path: r"C:\Program Files\My Bad App\mybadapp.exe".into(),
            version: Some("2.4.1.0".into()),
            company: Some("My Vendor".into()),
        }],
        cluster: None,
        settings: PoolSettings { paged_pool_size: Some(u32::MAX), ..PoolSettings::default() },
    }
}

pub(crate) fn all_tags() -> HostListPage<TagRow, HostListFilter<PoolChoice>> {
    HostListPage {
        shell: shell("/hosts/1/tags"),
        host: fs02(),
        section: HostSection::Tags,
        at: Some(ago(1_200)),
        query: HostQuery::default(),
        list: listed(&HOST_TAGS, "/hosts/1/tags", 1_500, tag_rows()),
    }
}

pub(crate) fn all_processes() -> HostListPage<ProcessRow, HostListFilter<()>> {
    HostListPage {
        shell: shell("/hosts/1/processes"),
        host: fs02(),
        section: HostSection::Processes,
        at: Some(ago(1_200)),
        query: HostQuery::default(),
        list: listed(&HOST_PROCESSES, "/hosts/1/processes", 38, process_rows()),
    }
}

pub(crate) fn all_types() -> HostListPage<TypeRow, HostListFilter<()>> {
    let rows = object_types().into_iter().map(|used| TypeRow { host: HostId(1), used }).collect();
    HostListPage {
        shell: shell("/hosts/1/types"),
        host: fs02(),
        section: HostSection::Types,
        at: Some(ago(1_200)),
        query: HostQuery::default(),
        list: listed(&HOST_TYPES, "/hosts/1/types", 5, rows),
    }
}

pub(crate) fn all_drivers() -> HostListPage<HostDriver, HostListFilter<()>> {
    let row = |name: &str, is_scanned: bool, tags: Vec<PoolTag>| HostDriver {
        host: HostId(1),
        name: name.into(),
        path: Some(format!(r"\SystemRoot\System32\drivers\{name}")),
        version: Some("5.1.0.2".into()),
        company: Some("Foo Systems".into()),
        signer: is_scanned.then(|| "Foo Systems GmbH".into()),
        linked: Some(ago(90_000_000)),
        is_scanned,
        other_tags: tags.len() as u64,
        tags,
    };
    let rows = vec![
        row("foo.sys", true, vec![tag("Fooo"), tag("FooB")]),
        row("bar.sys", true, Vec::new()),
        row("ntfs.sys", false, Vec::new()),
    ];
    HostListPage {
        shell: shell("/hosts/1/drivers"),
        host: fs02(),
        section: HostSection::Drivers,
        at: Some(ago(1_200)),
        query: HostQuery::default(),
        list: listed(&HOST_DRIVERS, "/hosts/1/drivers", 3, rows),
    }
}

pub(crate) fn timeline() -> HostListPage<TimelineRow, HostListFilter<TimelineChoice>> {
    let row = |seconds, kind, text: &str, url: Option<&str>| TimelineRow {
        host: HostId(1),
        at: ago(seconds),
        kind,
        text: text.into(),
        url: url.map(Into::into),
    };
    let rows = vec![
        row(1_200, TimelineChoice::Events, "Event 2019: nonpaged pool is empty", None),
        row(
            90_000,
            TimelineChoice::Incidents,
            "Incident 17 opened: mybadapp.exe",
            Some("/incidents/17"),
        ),
        row(260_000, TimelineChoice::Drivers, "Driver foo.sys 5.0 → 5.1", Some("/drivers/foo.sys")),
        row(1_040_000, TimelineChoice::Restarts, "Windows started", None),
    ];
    HostListPage {
        shell: shell("/hosts/1/timeline"),
        host: fs02(),
        section: HostSection::Timeline,
        at: Some(ago(1_200)),
        query: HostQuery::default(),
        list: listed(&HOST_TIMELINE, "/hosts/1/timeline", 4, rows),
    }
}
