//! Tags, programs and drivers over the fleet.

use poolwatch_analysis::catalogue::{self, Certainty, Source};
use poolwatch_model::{
    Bytes, Pool,
    diagnosis::Verdict,
    driver_scan::{FileHash, FoundTag},
    incident::IncidentId,
};
use poolwatch_web::{
    application::{APPLICATION_HOSTS, ApplicationPage, RunningRow},
    applications::{APPLICATIONS, ApplicationLine, ApplicationsPage},
    driver::{CodeTagRow, DRIVER_HOSTS, DriverHostRow, DriverPage, VersionRow},
    drivers::{DRIVERS, DriverChangeRow, DriverLine, DriversPage},
    histogram::SizeHistogram,
    host::TagMeaning,
    list::ListView,
    mark::IncidentMark,
    tag::{LeakRow, OwnerRow, TAG_HOSTS, TagHostRow, TagInPool, TagNoteRow, TagPage, TagTold},
    tags::{OfferedList, TAGS, TagLine, TagsPage, TagsSaid, TagsSummary},
};

use super::{ago, fs02, link, listed, shell, tag};

const MB: u64 = 1 << 20;

fn leak() -> IncidentMark {
    IncidentMark { id: IncidentId(18), verdict: Verdict::Leak }
}

pub(crate) fn tag_line() -> TagLine {
    TagLine {
        tag: tag("Fooo"),
        pool: Pool::Nonpaged,
        hosts: 45,
        grows_on: Some(41),
        growth: Some(1_230 * MB as i64),
        sum: Bytes(9_400 * MB),
        median: Bytes(190 * MB),
        p95: Bytes(610 * MB),
        worst: Some((link(7, "SQL-07"), Bytes(1_900 * MB))),
        meaning: None,
        incident: Some(leak()),
    }
}

pub(crate) fn tags() -> TagsPage {
    let threads = TagLine {
        tag: tag("Thre"),
        hosts: 1_204,
        grows_on: Some(1),
        growth: Some(61 * MB as i64),
        worst: Some((fs02(), Bytes(73 * MB))),
        meaning: Some(TagMeaning { text: "thread objects".into(), owner: Some("nt".into()) }),
        incident: None,
        ..tag_line()
    };
    let fresh = TagLine { tag: tag("a<b>"), grows_on: None, growth: None, ..threads.clone() };
    TagsPage {
        shell: shell("/tags"),
        list: ListView {
            groups: vec!["Berlin/Files".into()],
            ..listed(&TAGS, "/tags", 2_231, vec![tag_line(), threads, fresh])
        },
        summary: TagsSummary {
            total: 2_231,
            growing: 12,
            fastest: Some(tag_line()),
            largest: Some(tag_line()),
        },
        said: Some(TagsSaid {
            notes: 3,
            entries: 2_140,
            imported: Some(("Ana".into(), ago(90_000))),
            may_import: true,
            offered: vec![OfferedList {
                file: FileHash::new([7; 32]),
                host: link(3, "fs-02"),
                path: r"C:\Program Files (x86)\Windows Kits\10\Debuggers\x64\triage\pooltag.txt"
                    .into(),
                entries: 5_012,
                at: ago(7_200),
            }],
        }),
    }
}

pub(crate) fn tag_page() -> TagPage {
    let line = tag_line();
    let row = |id, name: &str, bytes: u64, is_affected: bool| TagHostRow {
        host: link(id, name),
        full_name: format!("{name}.corp.example"),
        tag: line.tag,
        pool: line.pool,
        group: Some("Berlin/SQL".into()),
        bytes: Bytes(bytes * MB),
        share: Some(bytes as f64 / 5_000.0),
        outstanding: bytes * 256,
        growth: [Some(2 * MB as i64), Some(40 * MB as i64), None],
        incident: is_affected.then(leak),
    };
    TagPage {
        shell: shell("/tags/Fooo"),
        tag: line.tag,
        told: Some(TagTold {
            meaning: "packet buffers of the foo filter".into(),
            owner: Some("foo.sys".into()),
            source: Source::Pooltag,
            certainty: Certainty::Documented,
            object_type: None,
            cache: false,
            shared: false,
        }),
        pools: vec![TagInPool {
            pool: line.pool,
            hosts: line.hosts,
            sum: line.sum,
            median: line.median,
            p95: line.p95,
            worst: line.worst,
            growth: line.growth,
            grows_on: line.grows_on,
        }],
        pool: line.pool,
        spread: SizeHistogram::of(&[MB, 3 * MB, 190 * MB, 200 * MB, 610 * MB, 1_900 * MB]),
        list: listed(
            &TAG_HOSTS,
            "/tags/Fooo",
            45,
            vec![row(7, "SQL-07", 1_900, true), row(12, "WEB-12", 3, false)],
        ),
        incidents: vec![],
        owners: vec![OwnerRow {
            name: "foo.sys".into(),
            because: vec!["suspect of incident 18, 94 % sure".into()],
            hosts: 45,
            versions: 2,
        }],
        leaks: catalogue::known_leaks(tag("Leak"))
            .map(|leak| LeakRow { leak, seen_on: 0 })
            .collect(),
        note: Some(TagNoteRow {
            meaning: "buffers of our \"own\" filter".into(),
            owner: Some("foo.sys".into()),
            by: "Ana".into(),
            at: ago(90_000),
        }),
        may_write: true,
    }
}

pub(crate) fn application_line() -> ApplicationLine {
    ApplicationLine {
        image: "mybadapp.exe".into(),
        hosts: 3,
        processes: 3,
        handles: 91_204,
        growth: Some(11_400),
        threads: 18,
        most: (90_472, Some(fs02())),
        worst: Some((fs02(), 90_472)),
        services: vec!["BadApp".into()],
        incident: Some(IncidentMark { id: IncidentId(17), verdict: Verdict::Exhausted }),
    }
}

pub(crate) fn applications() -> ApplicationsPage {
    let svchost = ApplicationLine {
        image: "svchost.exe".into(),
        hosts: 1_204,
        processes: 61_300,
        handles: 18_402_113,
        growth: None,
        threads: 700_000,
        most: (4_120, Some(link(7, "SQL-07"))),
        services: vec!["Dnscache".into(), "Schedule".into(), "Winmgmt".into()],
        incident: None,
        ..application_line()
    };
    ApplicationsPage {
        shell: shell("/applications"),
        most: Some(application_line()),
        list: listed(&APPLICATIONS, "/applications", 412, vec![application_line(), svchost]),
    }
}

pub(crate) fn application() -> ApplicationPage {
    let running = RunningRow {
        host: fs02(),
        full_name: "FS-02".into(),
        image: "mybadapp.exe".into(),
        group: Some("Berlin/Files".into()),
        most_handles: 90_472,
        most_pid: 416,
        handles: 90_472,
        threads: 12,
        processes: 1,
        services: vec!["BadApp".into()],
    };
    ApplicationPage {
        shell: shell("/applications/mybadapp.exe"),
        image: "mybadapp.exe".into(),
        line: Some(application_line()),
        incidents: vec![],
        list: listed(&APPLICATION_HOSTS, "/applications/mybadapp.exe", 1, vec![running]),
    }
}

pub(crate) fn change() -> DriverChangeRow {
    DriverChangeRow {
        name: "foo.sys".into(),
        is_new: false,
        before: Some("5.0".into()),
        after: Some("5.1".into()),
        hosts: 41,
        first: ago(200_000),
        last: ago(170_000),
    }
}

pub(crate) fn driver_line() -> DriverLine {
    DriverLine {
        name: "foo.sys".into(),
        company: Some("Foo Corp.".into()),
        hosts: 45,
        share: 45.0 / 1_204.0,
        versions: 2,
        common: Some(("5.1".into(), 41)),
        affected: 41,
        incident: Some(leak()),
        tags: vec![tag("Fooo")],
        changes: vec![change()],
    }
}

pub(crate) fn drivers() -> DriversPage {
    let plain = DriverLine {
        name: "ntfs.sys".into(),
        company: None,
        affected: 0,
        incident: None,
        tags: ["Ntf0", "Ntfc", "NtfF", "Ntfr", "NtfN"].map(tag).to_vec(),
        changes: vec![],
        ..driver_line()
    };
    DriversPage {
        shell: shell("/drivers"),
        suspected: Some(driver_line()),
        changed: 1,
        list: listed(&DRIVERS, "/drivers", 214, vec![driver_line(), plain]),
    }
}

pub(crate) fn driver() -> DriverPage {
    let host = DriverHostRow {
        host: link(7, "SQL-07"),
        full_name: "sql-07.corp.example".into(),
        driver: "foo.sys".into(),
        group: None,
        version: Some("5.1".into()),
        incident: Some(leak()),
    };
    let version = |version: &str, hosts: u64, affected| VersionRow {
        version: Some(version.into()),
        company: Some("Foo Corp.".into()),
        hosts,
        share: hosts as f64 / 45.0,
        affected,
    };
    DriverPage {
        shell: shell("/drivers/foo.sys"),
        name: "foo.sys".into(),
        versions: vec![version("5.1", 41, 39), version("5.0", 4, 0)],
        changes: vec![change()],
        incidents: vec![],
        tags: vec![(tag("Fooo"), None)],
        code_tags: vec![CodeTagRow {
            tag: tag("Fooo"),
            version: Some("5.1".into()),
            found: FoundTag { allocations: 3, frees: 2, ..FoundTag::new(tag("Fooo")) },
        }],
        leaks: vec![],
        list: listed(&DRIVER_HOSTS, "/drivers/foo.sys", 45, vec![host]),
    }
}
