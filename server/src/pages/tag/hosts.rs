//! The hosts of one tag, in the order that is asked for.

use std::sync::Arc;

use poolwatch_model::{Bytes, HostId, Pool, PoolTag};
use poolwatch_web::{
    tag::{TagHostRow, TagHostSort, TagQuery},
    words,
};
use serde::Serialize;

use crate::{
    app::SharedApp,
    failure::Failure,
    fleet::{
        across::HostUse,
        earlier::Window,
        view::{FleetView, HostSummary},
    },
    pages::{
        export::{Row, inert},
        ordering::{self, Share},
        rows,
        tags::selection,
    },
};

/// A host that uses the tag.
#[derive(Debug)]
pub(super) struct TagHost {
    pub(super) used: HostUse,
    summary: Arc<HostSummary>,
}

/// The hosts that use a tag in a pool. Looks at every host, so it runs beside the requests'
/// threads.
pub(super) async fn select(
    app: SharedApp,
    view: Arc<FleetView>,
    tag: PoolTag,
    pool: Pool,
    query: &TagQuery,
) -> Result<Vec<TagHost>, Failure> {
    let (by, order) = (query.sort, query.order);
    let work = move || {
        let known = |used: HostUse| Some(TagHost { used, summary: view.host(used.host)?.clone() });
        let across = app.fleet.across(tag);
        let uses = across.of(pool).iter().copied();
        let mut hosts: Vec<TagHost> =
            uses.filter(|used| used.counters.bytes > 0).filter_map(known).collect();
        let name = |host: &TagHost| (host.summary.host.name.to_lowercase(), host.used.host);
        match by {
            TagHostSort::Host => sort_by(&mut hosts, |host| ordering::key(Some(name(host)), order)),
            TagHostSort::Group => sort_by(&mut hosts, |host| {
                (ordering::key(words::group(&host.summary.host.facts), order), name(host))
            }),
            TagHostSort::Share => sort_by(&mut hosts, |host| {
                (ordering::key(host.share(pool).map(Share), order), host.used.host)
            }),
            _ => sort_by(&mut hosts, |host| {
                let number = host.number(by);
                (ordering::key(number, order), host.used.host)
            }),
        }
        hosts
    };
    tokio::task::spawn_blocking(work).await.map_err(Failure::internal)
}

fn sort_by<K: Ord>(hosts: &mut [TagHost], key: impl Fn(&TagHost) -> K) {
    hosts.sort_by_cached_key(key);
}

impl TagHost {
    /// The host as the page shows it.
    pub(super) fn row(&self, view: &FleetView, tag: PoolTag, pool: Pool) -> TagHostRow {
        let counters = self.used.counters;
        let of_host = selection::incident(view, tag, pool, Some(self.used.host));
        TagHostRow {
            host: rows::link(&self.summary),
            group: words::group(&self.summary.host.facts),
            bytes: Bytes(counters.bytes),
            share: self.share(pool),
            outstanding: counters.outstanding,
            growth: Window::ALL.map(|window| self.used.growth(window)),
            incident: of_host,
        }
    }

    /// The host as a file tells it.
    pub(super) fn plain(&self, view: &FleetView, tag: PoolTag, pool: Pool) -> PlainRow {
        let row = self.row(view, tag, pool);
        let [hour, day, week] = row.growth;
        PlainRow {
            id: self.used.host,
            host: self.summary.host.name.clone(),
            group: row.group,
            tag: tag.to_string(),
            pool,
            bytes: row.bytes,
            share_of_pool: row.share,
            outstanding: row.outstanding,
            change_1h_bytes: hour,
            change_24h_bytes: day,
            change_7d_bytes: week,
            open_incident: row.incident.map(|incident| incident.id.0),
        }
    }

    /// Its bytes as a share of the host's pool.
    fn share(&self, pool: Pool) -> Option<f64> {
        let whole = self.summary.memory.of(pool).filter(|whole| whole.0 > 0)?;
        Some(Bytes(self.used.counters.bytes).share_of(whole))
    }

    fn number(&self, by: TagHostSort) -> Option<i64> {
        let signed = |value: u64| Some(i64::try_from(value).unwrap_or(i64::MAX));
        match by {
            TagHostSort::Outstanding => signed(self.used.counters.outstanding),
            TagHostSort::Hour => self.used.growth(Window::Hour),
            TagHostSort::Day => self.used.growth(Window::Day),
            TagHostSort::Week => self.used.growth(Window::Week),
            _ => signed(self.used.counters.bytes),
        }
    }
}

/// One host. The names of the fields are the columns of the CSV file.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct PlainRow {
    id: HostId,
    host: String,
    group: Option<String>,
    tag: String,
    pool: Pool,
    bytes: Bytes,
    share_of_pool: Option<f64>,
    outstanding: u64,
    change_1h_bytes: Option<i64>,
    change_24h_bytes: Option<i64>,
    change_7d_bytes: Option<i64>,
    open_incident: Option<i64>,
}

impl Row for PlainRow {
    fn for_spreadsheets(&self) -> Self {
        Self {
            host: inert(&self.host),
            group: self.group.as_deref().map(inert),
            tag: inert(&self.tag),
            ..self.clone()
        }
    }
}
