//! Which hosts a query means, and in which order.

use std::sync::Arc;

use jiff::Timestamp;
use poolwatch_model::Pool;
use poolwatch_web::{
    hosts::{HostSort, HostState, HostsQuery, Presence},
    table::Order,
    words,
};

use crate::{
    app::{App, SharedApp},
    failure::Failure,
    fleet::{
        names::NameId,
        view::{FleetView, HostSummary},
    },
    pages::{
        ordering::{self, Share, holds_ignoring_case},
        presence, rows,
    },
};

/// The hosts of a query, all pages of them, in its order. Looks through every host, so it runs
/// beside the requests' threads.
pub(in crate::pages) async fn select(
    app: SharedApp,
    view: Arc<FleetView>,
    query: HostsQuery,
    now: Timestamp,
) -> Result<Vec<Arc<HostSummary>>, Failure> {
    let work = move || {
        let text = query.q.trim().to_lowercase();
        let images = app.fleet.shared().names.marks(|name| holds_ignoring_case(name, &text));
        let mut hosts: Vec<Arc<HostSummary>> = view
            .hosts
            .iter()
            .filter(|host| is_chosen(host, &query, now))
            .filter(|host| text.is_empty() || holds(&app, host, &text, &images))
            .cloned()
            .collect();
        sort(&mut hosts, query.sort, query.order);
        hosts
    };
    tokio::task::spawn_blocking(work).await.map_err(Failure::internal)
}

/// The hosts that a text is about, in no particular order.
pub(in crate::pages) async fn matching(
    app: SharedApp,
    view: Arc<FleetView>,
    text: String,
) -> Result<Vec<Arc<HostSummary>>, Failure> {
    let query = HostsQuery { q: text, sort: HostSort::Name, ..HostsQuery::default() };
    select(app, view, query, Timestamp::UNIX_EPOCH).await
}

/// Whether a host has exactly this name, short or in full.
pub(in crate::pages) fn is_named(host: &HostSummary, name: &str) -> bool {
    let name = name.to_lowercase();
    host.host.name.to_lowercase() == name || rows::short_name(host).to_lowercase() == name
}

/// Whether a host's name holds a text.
pub(in crate::pages) fn name_holds(host: &HostSummary, text: &str) -> bool {
    host.host.name.to_lowercase().contains(&text.to_lowercase())
}

fn is_chosen(host: &HostSummary, query: &HostsQuery, now: Timestamp) -> bool {
    let in_group = query.group.is_empty()
        || words::group(&host.host.facts).is_some_and(|group| group == query.group);
    in_group
        && match query.state {
            HostState::All => true,
            HostState::Reporting => presence::of(host, now) == Presence::Reporting,
            HostState::Silent => presence::of(host, now) == Presence::Silent,
            HostState::Incident => host.incident.is_some(),
            HostState::Imported => presence::of(host, now) == Presence::Imported,
        }
}

/// Whether name, group, Windows or a program of a host holds a text, given in small letters.
fn holds(app: &App, host: &HostSummary, text: &str, images: &[bool]) -> bool {
    let facts = &host.host.facts;
    host.host.name.to_lowercase().contains(text)
        || words::group(facts).is_some_and(|group| group.to_lowercase().contains(text))
        || facts.os.as_ref().is_some_and(|os| os.to_string().to_lowercase().contains(text))
        || runs(app, host, images)
}

/// Whether a host runs a program whose name is marked.
fn runs(app: &App, host: &HostSummary, images: &[bool]) -> bool {
    let Some(live) = app.fleet.known(host.host.id) else { return false };
    let state = live.read();
    let processes = state.tables().and_then(|tables| tables.processes.as_ref());
    let is_marked = |image: NameId| images.get(image.index()).copied().unwrap_or(false);
    processes.is_some_and(|processes| processes.cells().any(|one| is_marked(one.image)))
}

fn sort(hosts: &mut [Arc<HostSummary>], by: HostSort, order: Order) {
    match by {
        HostSort::Name => sort_by(hosts, order, |host| Some(host.host.name.to_lowercase())),
        HostSort::Os => sort_by(hosts, order, |host| {
            let os = host.host.facts.os.as_ref()?;
            Some((os.major, os.minor, os.build, os.revision, os.product.clone()))
        }),
        HostSort::Group => sort_by(hosts, order, |host| words::group(&host.host.facts)),
        // Long up means started early.
        HostSort::Uptime => {
            sort_by(hosts, order, |host| Some(std::cmp::Reverse(rows::booted(host)?)));
        }
        HostSort::Nonpaged => sort_by(hosts, order, |host| share(host, Pool::Nonpaged)),
        HostSort::Paged => sort_by(hosts, order, |host| share(host, Pool::Paged)),
        HostSort::Commit => sort_by(hosts, order, |host| {
            Some(Share(host.memory.committed?.share_of(host.memory.commit_limit?)))
        }),
        HostSort::NonpagedGrowth => sort_by(hosts, order, |host| host.growth(Pool::Nonpaged)),
        HostSort::PagedGrowth => sort_by(hosts, order, |host| host.growth(Pool::Paged)),
        HostSort::Handles => {
            sort_by(hosts, order, |host| Some(host.top_process.as_ref()?.2));
        }
        HostSort::Seen => sort_by(hosts, order, rows::last_seen),
    }
}

fn share(host: &HostSummary, pool: Pool) -> Option<Share> {
    rows::level(host, pool).share().map(Share)
}

fn sort_by<K: Ord>(
    hosts: &mut [Arc<HostSummary>],
    order: Order,
    key: impl Fn(&HostSummary) -> Option<K>,
) {
    let name = |host: &HostSummary| (host.host.name.to_lowercase(), host.host.id);
    hosts.sort_by_cached_key(|host| (ordering::key(key(host), order), name(host)));
}

#[cfg(test)]
mod tests {
    use poolwatch_model::{Bytes, HostId, host::HostFacts, memory::Memory};
    use poolwatch_store::hosts::Host;

    use super::*;

    fn host(id: i32, name: &str, nonpaged: Option<u64>) -> Arc<HostSummary> {
        let physical = Some(Bytes(100));
        Arc::new(HostSummary {
            host: Arc::new(Host {
                id: HostId(id),
                instance_id: None,
                name: name.into(),
                facts: HostFacts::default(),
                enrolled_at: Timestamp::UNIX_EPOCH,
                approved_at: None,
            }),
            memory: Memory { nonpaged: nonpaged.map(Bytes), physical, ..Memory::default() },
            nonpaged_ceiling: None,
            paged_ceiling: None,
            booted_at: None,
            at: None,
            received: None,
            stale: false,
            nonpaged_trend: vec![],
            paged_trend: vec![],
            top_process: None,
            incident: None,
        })
    }

    #[test]
    fn unknown_values_come_last_whichever_way() {
        let mut hosts = [
            host(1, "a", None),
            host(2, "b", Some(10)),
            host(3, "d", Some(90)),
            host(4, "C", Some(90)),
        ];
        let names = |hosts: &[Arc<HostSummary>]| -> String {
            hosts.iter().map(|host| host.host.name.clone()).collect()
        };
        sort(&mut hosts, HostSort::Nonpaged, Order::Desc);
        assert_eq!(names(&hosts), "Cdba");
        sort(&mut hosts, HostSort::Nonpaged, Order::Asc);
        assert_eq!(names(&hosts), "bCda");
        sort(&mut hosts, HostSort::Name, Order::Asc);
        assert_eq!(names(&hosts), "abCd");
    }
}
