//! How the hosts that use most of a tag came to it (`GET /tags/{tag}/history.json`).

use axum::{Extension, extract::State};
use jiff::{SignedDuration, Timestamp};
use poolwatch_store::read::Figure;
use poolwatch_web::{
    HostLink,
    incidents::GrowthChart,
    links,
    tag::{TAG_HOSTS, TagHostsQuery},
};

use crate::{
    access::people::Person,
    app::SharedApp,
    app_error::AppError,
    fleet::visible::VisibleFleet,
    pages::{
        incidents,
        lists::{self, Parameters},
        rows,
    },
    parameters::{Json, Path},
};

/// What the chart draws: a line per host, and their median.
pub(in crate::pages) async fn history(
    State(app): State<SharedApp>,
    Extension(_): Extension<Person>,
    visible: VisibleFleet,
    Path(tag): Path<String>,
    parameters: Parameters,
) -> Result<Json<GrowthChart>, AppError> {
    let tag = super::read(&tag)?;
    let query: TagHostsQuery = lists::read(&TAG_HOSTS, links::tag(&tag), &parameters)?;
    let view = &visible.view;
    let pool = super::shown(&super::pools(view, tag), &query);
    let line = view.tags.get(tag, pool);
    let top = line.map(|line| line.top.as_slice()).unwrap_or_default();
    let hosts: Vec<HostLink> = top.iter().map(|(host, _)| rows::link_to(view, *host)).collect();
    let to = app.clock.now();
    let back = SignedDuration::from_hours(query.filter.hours().hours().into());
    let from = to.saturating_sub(back).unwrap_or(Timestamp::MIN);
    let mut db = app.pool.acquire().await?;
    let figure = Figure::TagBytes(tag, pool);
    let series = incidents::load_lines(&mut db, &hosts, figure, (from, to)).await?;
    let step_s = series.iter().map(|series| series.step_s).max().unwrap_or(1);
    let of = line.map_or(0, |line| u64::from(line.hosts));
    let lines = hosts.into_iter().zip(series).collect();
    Ok(Json(GrowthChart::new((from, to), Timestamp::UNIX_EPOCH, step_s, lines, of)))
}
