//! Which tags a query means, and in which order.

use std::sync::Arc;

use poolwatch_analysis::catalogue::{Catalogue, Description};
use poolwatch_model::{Bytes, HostId, Pool, PoolTag, incident::Incident};
use poolwatch_web::{
    host::TagMeaning,
    mark::IncidentMark,
    tags::{self, TagsFilter, TagsQuery},
};

use crate::{
    app::{App, SharedApp},
    app_error::AppError,
    fleet::{
        baselines::Window,
        by_tag::{ByTag, TagLine},
        view::FleetView,
    },
    pages::{groups::hosts_in_group, rows, text_match::holds_ignoring_case},
};

/// The tags of a query.
#[derive(Debug)]
pub(in crate::pages) struct Selected {
    /// All pages of them, in its order.
    pub(in crate::pages) lines: Vec<Chosen>,
    /// Tags and pools in use, in the group of the query.
    pub(in crate::pages) in_use: u64,
    /// Those of them that grow on some host.
    pub(in crate::pages) growing: u64,
    /// The one of them that grows most.
    pub(in crate::pages) fastest: Option<Chosen>,
    /// The one of them that uses most.
    pub(in crate::pages) largest: Option<Chosen>,
}

/// A tag's use of a pool, with what the tag stands for.
#[derive(Debug, Clone)]
pub(in crate::pages) struct Chosen {
    line: TagLine,
    meaning: Option<TagMeaning>,
}

/// The tags of a query. Looks through every tag, so it runs beside the requests' threads.
pub(in crate::pages) async fn select(
    app: SharedApp,
    view: Arc<FleetView>,
    query: &TagsQuery,
) -> Result<Selected, AppError> {
    let query = query.clone();
    let work = move || {
        let group = of_group(&app, &view, &query.filter.group);
        let tags = group.as_deref().unwrap_or(&view.tags);
        let mut selected = among(&app.tag_names.catalogue(), tags, &query.filter);
        query.sort(&mut selected.lines, |chosen| line(&view, chosen));
        selected
    };
    tokio::task::spawn_blocking(work).await.map_err(AppError::internal)
}

/// The tags of a group's hosts; `None` for all hosts.
pub(in crate::pages) fn of_group(app: &App, view: &FleetView, group: &str) -> Option<Arc<ByTag>> {
    if group.is_empty() {
        return None;
    }
    let hosts = hosts_in_group(view, group);
    let hosts: Vec<HostId> = hosts.iter().map(|host| host.host.id).collect();
    Some(app.fleet.tags_of_group(view, &hosts))
}

/// What a tag stands for.
pub(in crate::pages) fn meaning(catalogue: &Catalogue, tag: PoolTag) -> Option<TagMeaning> {
    catalogue.describe(tag).map(|told: Description<'_>| TagMeaning {
        text: told.meaning.to_owned(),
        owner: told.owner.filter(|owner| !owner.is_empty()).map(str::to_owned),
    })
}

/// A line as the page shows it.
pub(in crate::pages) fn line(view: &FleetView, chosen: &Chosen) -> tags::TagLine {
    let line = &chosen.line;
    let growth = known_growth(line);
    tags::TagLine {
        tag: line.tag,
        pool: line.pool,
        hosts: line.hosts.into(),
        grows_on: growth.map(|(hosts, _)| hosts.into()),
        growth: growth.map(|(_, bytes)| bytes),
        sum: Bytes(line.sum),
        median: Bytes(line.median),
        p95: Bytes(line.p95),
        worst: line.top.first().map(|(host, bytes)| (rows::link_to(view, *host), Bytes(*bytes))),
        meaning: chosen.meaning.clone(),
        incident: incidents_about(view, line.tag, line.pool).next().map(IncidentMark::from),
    }
}

/// The open incidents that are about a tag's use of a pool, the latest first.
pub(in crate::pages) fn incidents_about(
    view: &FleetView,
    tag: PoolTag,
    pool: Pool,
) -> impl Iterator<Item = &Incident> {
    view.incidents.iter().filter(move |incident| {
        let cause = &incident.cause;
        incident.state.is_active()
            && cause.tag() == Some(tag)
            && cause.pool().is_none_or(|of| of == pool)
    })
}

fn among(catalogue: &Catalogue, tags: &ByTag, filter: &TagsFilter) -> Selected {
    let text = filter.q.trim().to_lowercase();
    let in_use = || tags.lines().iter().filter(|line| line.hosts > 0);
    let grows = |line: &&TagLine| line.growth(Window::Day).grown_hosts > 0;
    let fastest = in_use().filter(grows).max_by_key(|line| line.growth(Window::Day).grown_bytes);
    let chosen =
        |line: &TagLine| Chosen { meaning: meaning(catalogue, line.tag), line: line.clone() };
    let lines = in_use()
        .filter(|line| filter.pool.shows(line.pool))
        .map(chosen)
        .filter(|one| filter.known.shows(one.meaning.is_some()) && holds(one, &text))
        .collect();
    Selected {
        lines,
        in_use: in_use().count() as u64,
        growing: in_use().filter(grows).count() as u64,
        fastest: fastest.map(chosen),
        largest: in_use().max_by_key(|line| line.sum).map(chosen),
    }
}

fn holds(one: &Chosen, text: &str) -> bool {
    let told = one.meaning.as_ref();
    let texts = [told.map(|told| told.text.as_str()), told.and_then(|told| told.owner.as_deref())];
    text.is_empty()
        || holds_ignoring_case(&one.line.tag.to_string(), text)
        || texts.into_iter().flatten().any(|whole| holds_ignoring_case(whole, text))
}

/// Hosts with growth and bytes of all hosts in 24 h, where a day of any host is known.
fn known_growth(line: &TagLine) -> Option<(u32, i64)> {
    let growth = line.growth(Window::Day);
    (growth.hosts > 0).then_some((growth.grown_hosts, growth.bytes))
}
