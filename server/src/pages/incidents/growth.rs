//! What the chart of an incident draws (`GET /incidents/{id}/growth.json`).

use axum::{Extension, extract::State};
use jiff::{SignedDuration, Timestamp};
use poolwatch_model::{
    HostId,
    incident::{Incident, IncidentId},
    series::Series,
};
use poolwatch_store::read::{self, Figure};
use poolwatch_web::{HostLink, incidents::GrowthChart};
use sqlx::PgConnection;

use crate::{
    access::people::Person,
    app::SharedApp,
    app_error::AppError,
    fleet::visible::VisibleFleet,
    pages::rows,
    parameters::{Json, Path},
};

/// Hosts that are drawn, the worst.
const HOSTS: usize = 200;
/// So few hosts are read each for itself: finer than by the hour, and up to now.
const FEW: usize = 24;
/// Points of a line, at most, and the seconds between them at the least.
const POINTS: u32 = 200;
const STEP_S: u32 = 600;
/// The chart begins so long before the incident, and ends so long after what is over.
const AROUND: SignedDuration = SignedDuration::from_hours(24);
/// The longest period that is drawn.
const LONGEST: SignedDuration = SignedDuration::from_hours(7 * 24);

/// What the chart draws.
pub(in crate::pages) async fn growth(
    State(app): State<SharedApp>,
    Extension(_): Extension<Person>,
    visible: VisibleFleet,
    Path(id): Path<i64>,
) -> Result<Json<GrowthChart>, AppError> {
    let mut db = app.pool.acquire().await?;
    let incident = visible.incident(&mut db, IncidentId(id)).await?;
    Ok(Json(chart(&visible, &mut db, &incident, app.clock.now()).await?))
}

/// The figure that an incident is about on its worst hosts: a tag, a pool or commit.
pub(super) async fn chart(
    visible: &VisibleFleet,
    db: &mut PgConnection,
    incident: &Incident,
    now: Timestamp,
) -> Result<GrowthChart, AppError> {
    let (from, to) = period(incident, now);
    let pool = incident.cause.pool();
    let mut hosts: Vec<HostLink> =
        rows::incident_hosts(&visible.view, incident).into_iter().map(|row| row.host).collect();
    let series = match incident.cause.tag().zip(pool) {
        Some((tag, pool)) if hosts.len() > FEW => {
            hosts.truncate(HOSTS);
            let ids: Vec<HostId> = hosts.iter().map(|host| host.id).collect();
            read::tag_over_hosts(db, tag, pool, &ids, from, to).await?
        }
        of_tag => {
            hosts.truncate(FEW);
            let of_pool = || pool.map_or(Figure::Committed, Figure::PoolUse);
            let figure = of_tag.map_or_else(of_pool, |(tag, pool)| Figure::TagBytes(tag, pool));
            load_lines(db, &hosts, figure, (from, to)).await?
        }
    };
    let step_s = series.iter().map(|series| series.step_s).max().unwrap_or(STEP_S);
    let lines = hosts.into_iter().zip(series).collect();
    let of = incident.hosts.len() as u64;
    Ok(GrowthChart::new((from, to), incident.opened, step_s, lines, of))
}

/// A figure of some hosts, each read for itself.
pub(in crate::pages) async fn load_lines(
    db: &mut PgConnection,
    hosts: &[HostLink],
    figure: Figure,
    (from, to): (Timestamp, Timestamp),
) -> Result<Vec<Series>, AppError> {
    let step_s = read::fitting_step_s(from, to, POINTS).max(STEP_S);
    let mut lines = Vec::with_capacity(hosts.len());
    let figures = [figure];
    for host in hosts {
        lines.extend(read::series(db, host.id, &figures, from, to, step_s).await?);
    }
    Ok(lines)
}

/// From a day before the incident until now, or until a day after it was last seen; of a long one
/// its end.
fn period(incident: &Incident, now: Timestamp) -> (Timestamp, Timestamp) {
    let before = |at: Timestamp, by| at.saturating_sub(by).unwrap_or(Timestamp::MIN);
    let to = if incident.state.is_active() {
        now
    } else {
        now.min(incident.last_seen.saturating_add(AROUND).unwrap_or(now))
    };
    (before(incident.opened, AROUND).max(before(to, LONGEST)).min(before(to, AROUND)), to)
}

#[cfg(test)]
mod tests {
    use poolwatch_model::{
        diagnosis::Diagnosis,
        incident::{Cause, IncidentState},
    };

    use super::*;

    #[test]
    fn the_chart_holds_the_beginning_unless_it_is_too_long_ago() {
        let hour = |hour: i64| Timestamp::from_second(1_800_000_000 + hour * 3600).unwrap();
        let incident = |state, opened, last_seen| Incident {
            id: IncidentId(1),
            cause: Cause::CommitExhausted { host: HostId(1) },
            state,
            opened: hour(opened),
            last_seen: hour(last_seen),
            findings: 1,
            diagnosis: Diagnosis::default(),
            hosts: vec![],
            worst: None,
        };
        let now = hour(1000);
        for (state, opened, last_seen, expected) in [
            (IncidentState::Growing, 999, 1000, (975, 1000)),
            (IncidentState::Growing, 950, 1000, (926, 1000)),
            (IncidentState::Growing, 1, 1000, (832, 1000)),
            (IncidentState::Resolved, 900, 910, (876, 934)),
            (IncidentState::Resolved, 999, 999, (975, 1000)),
        ] {
            let (from, to) = period(&incident(state, opened, last_seen), now);
            assert_eq!((from, to), (hour(expected.0), hour(expected.1)), "{state:?} {opened}");
        }
    }
}
