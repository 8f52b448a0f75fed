//! What the chart of anything of a host draws (`GET /hosts/{id}/series.json`).

use axum::{Extension, extract::State};
use poolwatch_model::{HostId, Snapshot, process::ProcessKey};
use poolwatch_store::read::{self, Figure};
use poolwatch_web::{
    host::{ChartHours, DrawnFigure, HostQuery, SeriesChart},
    hosts::HostSource,
};

use super::{chart, judgement, no_such_host};
use crate::{
    access::people::Person,
    app::SharedApp,
    app_error::AppError,
    fleet::visible::VisibleFleet,
    pages::presence,
    parameters::{Json, Path, Query},
};

/// Finer steps of more than six hours would read every frame.
const COARSER_S: u32 = 600;

/// What the chart draws.
pub(in crate::pages) async fn series(
    State(app): State<SharedApp>,
    Extension(_): Extension<Person>,
    visible: VisibleFleet,
    Path(id): Path<i32>,
    Query(query): Query<HostQuery>,
) -> Result<Json<SeriesChart>, AppError> {
    let (now, id) = (app.clock.now(), HostId(id));
    visible.require_host(id)?;
    let mut db = app.pool.acquire().await?;
    let summary = judgement::summary(&app, &visible, &mut db, id, now).await?;
    let summary = summary.ok_or_else(no_such_host)?;
    let snapshot = app.latest_snapshot(&mut db, id, now).await?.unwrap_or_default();
    let wanted: Vec<DrawnFigure> =
        query.draw.0.iter().map(|one| with_creation(one, &snapshot)).collect();
    let figures: Vec<Figure> = wanted.iter().map(stored).collect();
    let finest = match query.hours {
        ChartHours::One | ChartHours::Six => app.settings.interval_s,
        _ => COARSER_S,
    };
    let step_s = chart::step(query.hours).max(finest);
    let (from, to) = chart::range(summary.at, query.hours, step_s, now);
    let mut found = read::series(&mut db, id, &figures, from, to, step_s).await?;
    let mut marks = chart::event_marks(&mut db, id, from, to, step_s).await?;
    marks.extend(chart::driver_marks(&mut db, id, from, to).await?);
    match (presence::source(&summary), found.iter().max_by_key(|one| one.points.len())) {
        (HostSource::Agent, Some(longest)) => marks.extend(chart::reboot_marks(longest)),
        // Every import counts as a boot of its own: that is no restart.
        (HostSource::Imported, _) => found.iter_mut().for_each(|one| one.breaks.clear()),
        (HostSource::Agent, None) => {}
    }
    marks.sort_by_key(|mark| mark.t);
    let named = wanted.into_iter().zip(query.draw.0).zip(found).map(|((wanted, asked), series)| {
        let image = wanted.process().and_then(|key| image_of(key, &snapshot));
        (asked, wanted.name(image), series)
    });
    Ok(Json(SeriesChart::new((from, to), step_s, &named.collect::<Vec<_>>(), marks)))
}

/// A process by its pid alone is the one that runs.
fn with_creation(figure: &DrawnFigure, snapshot: &Snapshot) -> DrawnFigure {
    let processes = snapshot.processes.iter().flatten();
    let running = figure
        .process()
        .filter(|key| key.created.is_none())
        .and_then(|key| processes.map(|one| one.key).find(|one| one.pid == key.pid));
    running.map_or_else(|| figure.clone(), |key| figure.of_process(key))
}

fn image_of(key: ProcessKey, snapshot: &Snapshot) -> Option<&str> {
    let mut processes = snapshot.processes.iter().flatten();
    processes.find(|one| one.key == key).map(|one| one.image.as_str())
}

fn stored(figure: &DrawnFigure) -> Figure {
    match figure {
        DrawnFigure::TagBytes(tag, pool) => Figure::TagBytes(*tag, *pool),
        DrawnFigure::TagOutstanding(tag, pool) => Figure::TagOutstanding(*tag, *pool),
        DrawnFigure::ProcessHandles(key) => Figure::ProcessHandles(*key),
        DrawnFigure::ProcessThreads(key) => Figure::ProcessThreads(*key),
        DrawnFigure::ProcessPrivate(key) => Figure::ProcessPrivateBytes(*key),
        DrawnFigure::TypeObjects(name) => Figure::TypeObjects(name.clone()),
        DrawnFigure::TypeHandles(name) => Figure::TypeHandles(name.clone()),
        DrawnFigure::Committed => Figure::Committed,
        DrawnFigure::CommitLimit => Figure::CommitLimit,
        DrawnFigure::Available => Figure::Available,
        DrawnFigure::Handles => Figure::Handles,
        DrawnFigure::Threads => Figure::Threads,
    }
}
