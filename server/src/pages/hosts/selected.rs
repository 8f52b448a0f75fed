//! What is done to hosts that somebody selected in the list (`POST /hosts/silence`; labels: see
//! [`super::labels`]).

use axum::{Extension, extract::State, response::Redirect};
use poolwatch_model::HostId;

use crate::{
    access::{audit::AuditNote, people::Person},
    alert_setup::silences,
    app::SharedApp,
    app_error::AppError,
    fleet::visible::VisibleFleet,
    pages::local_address::is_local,
    parameters::{Form, Query},
};

/// Hosts that are selected at once, at most: a page of them.
const MOST: usize = 100;

/// The fields of a form, in their order.
pub(super) type Fields = [(String, String)];

/// The value of a field.
pub(super) fn value<'a>(form: &'a Fields, wanted: &str) -> Option<&'a str> {
    form.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str())
}

/// The hosts that were selected.
pub(super) fn hosts(form: &Fields) -> Result<Vec<HostId>, AppError> {
    let selected = form.iter().filter(|(name, _)| name == "host").take(MOST);
    let number = |(_, value): &(String, String)| value.parse().map(HostId);
    let hosts: Result<Vec<HostId>, _> = selected.map(number).collect();
    let hosts = hosts.map_err(|_| AppError::bad_request("`host` is the number of a host."))?;
    match hosts.is_empty() {
        true => Err(AppError::bad_request("Select hosts first, by the boxes before their names.")),
        false => Ok(hosts),
    }
}

/// Where the list as it was is found, of the parameters of an address.
pub(super) type Back = Query<Vec<(String, String)>>;

/// Back to the list as it was.
pub(super) fn back(Query(parameters): &Back) -> Redirect {
    Redirect::to(value(parameters, "back").filter(|back| is_local(back)).unwrap_or("/hosts"))
}

/// Silences the selected hosts for some hours.
pub(in crate::pages) async fn silence(
    State(app): State<SharedApp>,
    Extension(person): Extension<Person>,
    visible: VisibleFleet,
    address: Back,
    Form(form): Form<Vec<(String, String)>>,
) -> Result<(Extension<AuditNote>, Redirect), AppError> {
    let hosts = hosts(&form)?;
    let hours = value(&form, "hours").and_then(|hours| hours.parse().ok());
    let hours =
        hours.ok_or_else(|| AppError::bad_request("Choose for how long to silence them."))?;
    let reason = value(&form, "reason").unwrap_or_default();
    silences::add_for_hosts(&app, &visible, &hosts, (hours, reason), &person.name).await?;
    let ids: Vec<String> = hosts.iter().map(ToString::to_string).collect();
    let note = AuditNote::new(format!("hosts {}", ids.join(", ")), format!("{hours} h: {reason}"));
    Ok((Extension(note), back(&address)))
}
