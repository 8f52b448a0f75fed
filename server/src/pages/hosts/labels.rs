//! What people say of hosts (`POST /hosts/{id}/describe`, `POST /hosts/label`).

use axum::{Extension, extract::State, response::Redirect};
use poolwatch_model::HostId;
use poolwatch_web::{
    hosts::{HOSTS, HostsQuery},
    links,
};
use serde::Deserialize;

use super::{
    selected::{self, Back, Fields, value},
    selection,
};
use crate::{
    access::{audit::AuditNote, people::Person},
    app::SharedApp,
    app_error::AppError,
    enrolment::labels,
    fleet::visible::VisibleFleet,
    parameters::{Form, Path},
};

/// What `POST /hosts/{id}/describe` takes.
#[derive(Debug, Deserialize)]
pub(in crate::pages) struct Description {
    /// With commas between; not sent by who may not change them.
    labels: Option<String>,
    note: String,
}

type Done = Result<(Extension<AuditNote>, Redirect), AppError>;

/// Keeps labels and note of a host.
pub(in crate::pages) async fn describe(
    State(app): State<SharedApp>,
    Extension(_): Extension<Person>,
    visible: VisibleFleet,
    Path(id): Path<i32>,
    Form(Description { labels, note }): Form<Description>,
) -> Done {
    let split = |labels: &String| labels.split(',').map(str::to_owned).collect();
    let all = labels.as_ref().map(split);
    labels::describe_host(&app, &visible, HostId(id), all, Some(&note)).await?;
    let detail = format!("labels {}; {note}", labels.as_deref().unwrap_or("as before"));
    Ok((Extension(AuditNote::new("", detail)), Redirect::to(&links::host(HostId(id)))))
}

/// Gives a label to the hosts that are selected, or to all of a list, or takes it away from them.
pub(in crate::pages) async fn label(
    State(app): State<SharedApp>,
    Extension(_): Extension<Person>,
    visible: VisibleFleet,
    address: Back,
    Form(form): Form<Vec<(String, String)>>,
) -> Done {
    let missing = || AppError::bad_request("`label` is what to add, `action` add or remove.");
    let label = value(&form, "label").ok_or_else(missing)?.to_owned();
    let is_selection = value(&form, "action") == Some("add_to_selected");
    let (add, remove) = match value(&form, "action").ok_or_else(missing)? {
        "add" | "add_to_selected" => (vec![label.clone()], Vec::new()),
        "remove" => (Vec::new(), vec![label.clone()]),
        _ => return Err(missing()),
    };
    let hosts = match is_selection {
        true => selected::hosts(&form)?,
        false => all_of_list(&app, &visible, &form).await?,
    };
    let done = labels::label_hosts(&app, &visible, &hosts, &add, &remove).await?;
    let what = if remove.is_empty() { "added to" } else { "taken away from" };
    let note = AuditNote::new(format!("label {label}"), format!("{what} {} hosts", done.len()));
    Ok((Extension(note), selected::back(&address)))
}

/// The hosts of the list that a form filters.
async fn all_of_list(
    app: &SharedApp,
    visible: &VisibleFleet,
    form: &Fields,
) -> Result<Vec<HostId>, AppError> {
    let fields = ["q", "group", "state", "program", "driver", "version"];
    let is_filter = |name: &str| fields.contains(&name);
    let filter: Vec<(String, String)> =
        form.iter().filter(|(name, _)| is_filter(name)).cloned().collect();
    let query = HostsQuery::read(&HOSTS, "/hosts", &filter)
        .map_err(|bad| AppError::bad_request(bad.to_string()))?;
    let view = visible.view.clone();
    let found = selection::select(app.clone(), view, &query, app.clock.now()).await?;
    Ok(found.iter().map(|host| host.host.id).collect())
}
