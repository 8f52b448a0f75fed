//! The fleet in trouble, before its first host, and the list of its hosts.

use super::*;

pub(crate) fn fleet() -> FleetPage {
    let growing = |text: &str, pool, hosts, per_day, meaning: Option<&str>| GrowingTag {
        tag: tag(text),
        pool,
        hosts,
        per_day,
        meaning: meaning.map(Into::into),
    };
    FleetPage {
        shell: shell("/"),
        query: FleetQuery::default(),
        groups: groups(),
        counts: FleetCounts {
            hosts: 1_204,
            reporting: 1_197,
            silent: 7,
            high: 2,
            pool_empty_24h: 5,
        },
        causes: causes(),
        pressure: [
            PressureHistogram {
                pool: Pool::Nonpaged,
                hosts: [812, 214, 96, 48, 21, 9, 2, 1, 0, 1],
                unknown: 0,
            },
            PressureHistogram {
                pool: Pool::Paged,
                hosts: [601, 388, 141, 52, 18, 3, 0, 0, 1, 0],
                unknown: 0,
            },
        ],
        events: events(),
        growing: vec![
            growing("Fooo", Pool::Nonpaged, 41, 1_230 * MB as i64, None),
            growing("Thre", Pool::Nonpaged, 1, 61 * MB as i64, Some("thread objects")),
            growing(
                "MmSt",
                Pool::Paged,
                12,
                44 * MB as i64,
                Some("memory manager: section objects' prototype page tables, a cache"),
            ),
        ],
        changed: vec![lists::change()],
        hosts: host_rows().into_iter().take(6).collect(),
    }
}

pub(crate) fn empty_fleet() -> FleetPage {
    FleetPage {
        shell: Shell { newest_data: None, ..shell("/") },
        groups: vec![],
        counts: FleetCounts::default(),
        causes: vec![],
        pressure: [
            PressureHistogram::of(Pool::Nonpaged, []),
            PressureHistogram::of(Pool::Paged, []),
        ],
        events: vec![],
        growing: vec![],
        changed: vec![],
        hosts: vec![],
        ..fleet()
    }
}

pub(crate) fn hosts() -> HostsPage {
    hosts_asked(&[])
}

/// The list of hosts as an address asks for it.
pub(crate) fn hosts_asked(parameters: &[(&str, &str)]) -> HostsPage {
    let query = query(&HOSTS, "/hosts", parameters);
    let view = |name: &str, url: &str| SavedViewLink { name: name.into(), url: url.into() };
    let views = vec![
        view("everything", "/hosts"),
        view("Berlin, nearly full", "/hosts?group=Berlin%2FFiles&sort=nonpaged&order=desc"),
    ];
    let list = ListView {
        groups: groups(),
        views: Some(views),
        ..ListView::new(query, host_rows(), 1_204)
    };
    HostsPage { shell: shell("/hosts"), list, may_label: true, may_operate: true }
}
