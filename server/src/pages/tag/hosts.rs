//! The hosts of one tag, in the order that is asked for.

use std::sync::Arc;

use poolwatch_model::{Bytes, Pool, PoolTag, incident::Incident};
use poolwatch_web::{
    mark::IncidentMark,
    tag::{TagHostRow, TagHostsQuery},
    words,
};

use crate::{
    app_error::AppError,
    fleet::{
        baselines::Window,
        tag_by_host::HostUse,
        view::{FleetView, HostSummary},
        visible::VisibleFleet,
    },
    pages::{rows, tags::selection},
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
    visible: VisibleFleet,
    tag: PoolTag,
    pool: Pool,
    query: &TagHostsQuery,
) -> Result<Vec<TagHost>, AppError> {
    let query = query.clone();
    let work = move || {
        let view = &visible.view;
        let known = |used: HostUse| Some(TagHost { used, summary: view.host(used.host)?.clone() });
        let across = visible.tag_by_host(tag);
        let uses = across.of(pool).iter().copied();
        let mut hosts: Vec<TagHost> =
            uses.filter(|used| used.counters.bytes > 0).filter_map(known).collect();
        query.sort(&mut hosts, row(view, tag, pool));
        hosts
    };
    tokio::task::spawn_blocking(work).await.map_err(AppError::internal)
}

/// Makes rows of hosts.
pub(super) fn row(
    view: &FleetView,
    tag: PoolTag,
    pool: Pool,
) -> impl Fn(&TagHost) -> TagHostRow + '_ {
    let incidents: Vec<&Incident> = selection::incidents_about(view, tag, pool).collect();
    move |host| {
        let TagHost { used, summary } = host;
        let is_affected = |incident: &&&Incident| incident.hosts.binary_search(&used.host).is_ok();
        let whole = summary.memory.of(pool).filter(|whole| whole.0 > 0);
        let bytes = Bytes(used.counters.bytes);
        TagHostRow {
            host: rows::link(summary),
            full_name: summary.host.name.clone(),
            tag,
            pool,
            group: words::group(&summary.host.facts),
            bytes,
            share: whole.map(|whole| bytes.share_of(whole)),
            outstanding: used.counters.outstanding,
            growth: Window::ALL.map(|window| used.growth(window)),
            incident: incidents.iter().find(is_affected).map(|one| IncidentMark::from(*one)),
        }
    }
}
