//! Groups of hosts by rules (`/settings/groups`).

use std::sync::Arc;

use axum::{
    Extension,
    extract::State,
    http::Uri,
    response::{Html, Redirect},
};
use poolwatch_model::{
    HostGroupId,
    host_group::{GroupRule, HostGroup},
};
use poolwatch_store::host_groups;
use poolwatch_web::{
    HostLink, Page,
    settings::groups::{GroupPage, GroupRow, GroupsPage},
};
use serde::Deserialize;

use super::{address, shell};
use crate::{
    access::{audit::AuditNote, people::Person},
    app::SharedApp,
    app_error::AppError,
    enrolment::groups,
    fleet::view::{FleetView, HostSummary},
    pages::rows,
    parameters::{Form, Path},
};

/// Hosts of a group that are named.
const NAMED: usize = 50;

/// What the form of a new group sends.
#[derive(Debug, Deserialize)]
pub(in crate::pages) struct NewGroup {
    name: String,
    #[serde(flatten)]
    rule: TypedRule,
}

/// What the form of a rule sends.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(in crate::pages) struct TypedRule {
    host_name: String,
    domain: String,
    ou: String,
    site: String,
    label: String,
}

/// What the form of a name sends.
#[derive(Debug, Deserialize)]
pub(in crate::pages) struct GroupName {
    name: String,
}

type Done = Result<(Extension<AuditNote>, Redirect), AppError>;

impl TypedRule {
    fn rule(self) -> GroupRule {
        GroupRule {
            host_name: Some(self.host_name),
            domain: Some(self.domain),
            ou: Some(self.ou),
            site: Some(self.site),
            label: Some(self.label),
        }
    }
}

/// All groups.
pub(in crate::pages) async fn list(
    State(app): State<SharedApp>,
    Extension(person): Extension<Person>,
    uri: Uri,
) -> Result<Html<String>, AppError> {
    let all = host_groups::list(&mut *app.pool.acquire().await?).await?;
    let view = app.fleet.view();
    let row = |group: HostGroup| GroupRow { hosts: members(&view, group.id).len() as u64, group };
    let page = GroupsPage {
        shell: shell(&app, &person, address(&uri)),
        groups: all.into_iter().map(row).collect(),
    };
    Ok(Html(page.render()?))
}

fn members(view: &FleetView, group: HostGroupId) -> Vec<&Arc<HostSummary>> {
    view.hosts.iter().filter(|host| host.groups.contains(&group)).collect()
}

/// Makes a group, with a first rule where one is typed.
pub(in crate::pages) async fn create(
    State(app): State<SharedApp>,
    Extension(person): Extension<Person>,
    Form(NewGroup { name, rule }): Form<NewGroup>,
) -> Done {
    let rules = if rule == TypedRule::default() { Vec::new() } else { vec![rule.rule()] };
    let mut db = app.pool.acquire().await?;
    let group = groups::create(&mut db, &name, rules, &person.name, app.clock.now()).await?;
    Ok((Extension(note(&group)), back(group.id)))
}

/// One group.
pub(in crate::pages) async fn page(
    State(app): State<SharedApp>,
    Extension(person): Extension<Person>,
    Path(id): Path<i32>,
    uri: Uri,
) -> Result<Html<String>, AppError> {
    let mut db = app.pool.acquire().await?;
    let group = groups::find(&mut db, HostGroupId(id)).await?;
    let uses = host_groups::count_uses(&mut db, group.id, &group.name).await?;
    drop(db);
    let view = app.fleet.view();
    let hosts = members(&view, group.id);
    let named: Vec<HostLink> = hosts.iter().take(NAMED).map(|host| rows::link(host)).collect();
    let page = GroupPage {
        shell: shell(&app, &person, address(&uri)),
        total: hosts.len() as u64,
        hosts: named,
        uses: uses.unsigned_abs(),
        group,
    };
    Ok(Html(page.render()?))
}

/// Gives a group another name.
pub(in crate::pages) async fn rename(
    State(app): State<SharedApp>,
    Path(id): Path<i32>,
    Form(GroupName { name }): Form<GroupName>,
) -> Done {
    let mut db = app.pool.acquire().await?;
    let group = groups::find(&mut db, HostGroupId(id)).await?;
    let group = groups::change(&mut db, group.id, &name, group.rules).await?;
    Ok((Extension(note(&group)), back(group.id)))
}

/// Adds a rule to a group.
pub(in crate::pages) async fn add_rule(
    State(app): State<SharedApp>,
    Path(id): Path<i32>,
    Form(rule): Form<TypedRule>,
) -> Done {
    let mut db = app.pool.acquire().await?;
    let mut group = groups::find(&mut db, HostGroupId(id)).await?;
    group.rules.push(rule.rule());
    let group = groups::change(&mut db, group.id, &group.name, group.rules).await?;
    Ok((Extension(note(&group)), back(group.id)))
}

/// Takes a rule away from a group.
pub(in crate::pages) async fn delete_rule(
    State(app): State<SharedApp>,
    Path((id, place)): Path<(i32, usize)>,
) -> Done {
    let mut db = app.pool.acquire().await?;
    let mut group = groups::find(&mut db, HostGroupId(id)).await?;
    if place >= group.rules.len() {
        return Err(AppError::not_found("There is no such rule"));
    }
    group.rules.remove(place);
    let group = groups::change(&mut db, group.id, &group.name, group.rules).await?;
    Ok((Extension(note(&group)), back(group.id)))
}

/// Deletes a group.
pub(in crate::pages) async fn delete(State(app): State<SharedApp>, Path(id): Path<i32>) -> Done {
    let mut db = app.pool.acquire().await?;
    let name = groups::delete(&mut db, HostGroupId(id)).await?;
    let note = AuditNote::new(format!("group {name}"), "deleted");
    Ok((Extension(note), Redirect::to("/settings/groups")))
}

fn note(group: &HostGroup) -> AuditNote {
    let rules: Vec<String> = group.rules.iter().map(poolwatch_web::words::group_rule).collect();
    AuditNote::new(format!("group {}", group.name), rules.join("; or "))
}

fn back(id: HostGroupId) -> Redirect {
    Redirect::to(&format!("/settings/groups/{}", id.0))
}
