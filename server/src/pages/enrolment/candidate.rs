//! The page of a host that is not in the fleet.

use axum::response::Html;
use poolwatch_model::{HostId, person::Role};
use poolwatch_store::{enrolment, hosts::Standing};
use poolwatch_web::{Page, Shell, candidate::CandidatePage, waiting::WaitingState};
use sqlx::PgConnection;

use super::waiting;
use crate::{access::people::Person, app_error::AppError, fleet::visible::VisibleFleet};

/// The page, when there is such a host.
pub(in crate::pages) async fn page(
    visible: &VisibleFleet,
    db: &mut PgConnection,
    id: HostId,
    person: &Person,
    shell: Shell,
) -> Result<Option<Html<String>>, AppError> {
    let found = enrolment::list(db, None, Some(&[id]), None, 1).await?.pop();
    let found = found.filter(|candidate| visible.shows_candidate(candidate));
    let Some(candidate) = found else { return Ok(None) };
    let state = match candidate.standing {
        Standing::Waiting => WaitingState::Waiting,
        Standing::Refused => WaitingState::Refused,
        Standing::Archived => WaitingState::Archived,
        Standing::Approved => return Ok(None),
    };
    let page = CandidatePage {
        id,
        state,
        ou: candidate.facts.ou.clone(),
        labels: candidate.labels.clone(),
        machine: candidate.facts.machine_guid.map(|guid| guid.to_string()),
        host: waiting::row(&visible.view, candidate),
        may_decide: person.role >= Role::Operator,
        may_administer: person.role >= Role::Admin,
        shell,
    };
    Ok(Some(Html(page.render()?)))
}
