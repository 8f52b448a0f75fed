//! What people say of hosts (`POST /hosts/{id}/describe`, `POST /hosts/label`).

use axum::{Extension, extract::State, response::Redirect};
use poolwatch_model::HostId;
use poolwatch_web::{
    hosts::{HOSTS, HostsQuery},
    links,
};
use serde::Deserialize;

use super::selection;
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

/// Gives a label to all hosts of a list, or takes it away from them.
pub(in crate::pages) async fn label(
    State(app): State<SharedApp>,
    Extension(_): Extension<Person>,
    visible: VisibleFleet,
    Form(form): Form<Vec<(String, String)>>,
) -> Done {
    let value = |wanted: &str| form.iter().find(|(name, _)| name == wanted).map(|(_, value)| value);
    let missing = || AppError::bad_request("`label` is what to add, `action` add or remove.");
    let label = value("label").ok_or_else(missing)?.clone();
    let (add, remove) = match value("action").ok_or_else(missing)?.as_str() {
        "add" => (vec![label.clone()], Vec::new()),
        "remove" => (Vec::new(), vec![label.clone()]),
        _ => return Err(missing()),
    };
    let fields = ["q", "group", "state", "program", "driver", "version"];
    let is_filter = |name: &str| fields.contains(&name);
    let filter: Vec<(String, String)> =
        form.iter().filter(|(name, _)| is_filter(name)).cloned().collect();
    let query = HostsQuery::read(&HOSTS, "/hosts", &filter)
        .map_err(|bad| AppError::bad_request(bad.to_string()))?;
    let view = visible.view.clone();
    let found = selection::select(app.clone(), view, &query, app.clock.now()).await?;
    let hosts: Vec<HostId> = found.iter().map(|host| host.host.id).collect();
    let done = labels::label_hosts(&app, &visible, &hosts, &add, &remove).await?;
    let what = if remove.is_empty() { "added to" } else { "taken away from" };
    let note = AuditNote::new(format!("label {label}"), format!("{what} {} hosts", done.len()));
    Ok((Extension(note), Redirect::to(&query.url())))
}
