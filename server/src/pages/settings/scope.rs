//! Choosing whose hosts somebody sees, in forms.

use poolwatch_model::{
    HostGroupId,
    person::{Role, Scope},
};
use poolwatch_store::host_groups;
use poolwatch_web::settings::groups::ScopeForm;

use crate::{app::App, app_error::AppError};

/// What a form sends: names may come several times.
pub(in crate::pages) type Pairs = Vec<(String, String)>;

/// The choice, with what is chosen.
pub(in crate::pages) async fn scope_form(app: &App, scope: Scope) -> Result<ScopeForm, AppError> {
    let groups = host_groups::list(&mut *app.pool.acquire().await?).await?;
    Ok(ScopeForm { groups, scope })
}

/// Whether a form says whose hosts.
pub(in crate::pages) fn has_scope(form: &Pairs) -> bool {
    form.iter().any(|(name, _)| name == "scope")
}

/// The groups that are chosen; `None` for the whole fleet.
pub(in crate::pages) fn read_groups(form: &Pairs) -> Result<Option<Vec<HostGroupId>>, AppError> {
    if !form.iter().any(|(name, value)| name == "scope" && value == "groups") {
        return Ok(None);
    }
    let numbers = form.iter().filter(|(name, _)| name == "group");
    let read = numbers.map(|(_, number)| number.parse().map(HostGroupId)).collect();
    let read: Result<Vec<HostGroupId>, _> = read;
    read.map(Some).map_err(|_| AppError::bad_request("`group` is the number of a group."))
}

/// What somebody may do.
pub(in crate::pages) fn read_role(form: &Pairs) -> Result<Role, AppError> {
    let role = value(form, "role")?.parse();
    role.map_err(|_| AppError::bad_request("`role` is viewer, operator or admin."))
}

/// One field of a form.
pub(in crate::pages) fn value<'a>(form: &'a Pairs, wanted: &str) -> Result<&'a str, AppError> {
    let found = form.iter().find(|(name, _)| name == wanted);
    let missing = || AppError::bad_request(format!("`{wanted}` is missing."));
    found.map(|(_, value)| value.as_str()).ok_or_else(missing)
}
