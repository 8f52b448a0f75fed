//! The rules that approve hosts (`/hosts/rules`): made, tried, ordered and deleted.

use axum::{
    Extension,
    extract::State,
    http::Uri,
    response::{Html, Redirect},
};
use poolwatch_model::person::Role;
use poolwatch_store::{
    approval_rules::{self, RuleConditions},
    enrolment::{self, Candidate},
    enrolment_tokens, host_groups,
    host_groups::HostBinding,
    hosts::Standing,
};
use poolwatch_web::{
    HostLink, Page,
    approval_rules::{ApprovalRulesPage, RuleForm, RuleRow, RuleTrial, rule_in_words},
};
use serde::Deserialize;
use sqlx::{Connection, PgConnection};

use crate::{
    access::people::Person,
    app::SharedApp,
    app_error::AppError,
    enrolment::{
        bindings::{self, binding_in_words},
        decisions,
        rules::{self, MOST, Proposal, Rule},
    },
    fleet::visible::VisibleFleet,
    pages::{address, shell},
    parameters::{Form, Path, Query},
};

/// Hosts that a trial names.
const NAMED: usize = 20;
/// Tokens to choose from.
const TOKENS: i64 = 200;

/// What the form sends.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(in crate::pages) struct Written {
    name: String,
    host_name: String,
    domain: String,
    address_range: String,
    token: String,
    /// Labels with commas between.
    labels: String,
    group: String,
}

impl Written {
    fn token(&self) -> Result<Option<i32>, AppError> {
        let text = self.token.trim();
        let bad = |_| AppError::bad_request("`token` is the number of a token.");
        if text.is_empty() { Ok(None) } else { text.parse().map(Some).map_err(bad) }
    }

    async fn binding(&self, db: &mut PgConnection) -> Result<HostBinding, AppError> {
        bindings::read(db, &self.labels, &self.group).await
    }

    fn conditions(&self) -> Result<RuleConditions, AppError> {
        rules::checked(RuleConditions {
            name_pattern: Some(self.host_name.clone()),
            domain: Some(self.domain.clone()),
            address_range: Some(self.address_range.clone()),
            token: self.token()?,
        })
    }

    fn is_blank(&self) -> bool {
        [&self.host_name, &self.domain, &self.address_range, &self.token]
            .into_iter()
            .all(|text| text.trim().is_empty())
    }
}

/// The page, with what the rule of its address would do.
pub(in crate::pages) async fn page(
    State(app): State<SharedApp>,
    Extension(person): Extension<Person>,
    visible: VisibleFleet,
    Query(written): Query<Written>,
    uri: Uri,
) -> Result<Html<String>, AppError> {
    let mut db = app.pool.acquire().await?;
    let mut all = approval_rules::list(&mut db).await?;
    all.retain(|rule| visible.shows_binding(&rule.binding));
    let mut tokens = enrolment_tokens::list(&mut db, TOKENS).await?;
    tokens.retain(|token| visible.shows_binding(&token.binding));
    let groups = host_groups::list(&mut db).await?;
    let trial = if written.is_blank() {
        None
    } else {
        Some(match written.conditions() {
            Err(error) => RuleTrial::Bad(error.detail().to_owned()),
            Ok(conditions) => {
                let limit = enrolment::LISTED;
                let mut waiting =
                    enrolment::list(&mut db, Some(Standing::Waiting), None, None, limit).await?;
                waiting.retain(|one| visible.shows_candidate(one));
                try_rule(&conditions, &waiting)
            }
        })
    };
    drop(db);
    let row = |rule: approval_rules::ApprovalRule| RuleRow {
        id: rule.id,
        name: rule.name,
        asks: rule_in_words(
            rule.conditions.name_pattern.as_deref(),
            rule.conditions.domain.as_deref(),
            rule.conditions.address_range.as_deref(),
            rule.token_name.as_deref(),
        ),
        gets: binding_in_words(&rule.binding, &groups),
        approved: rule.approved.unsigned_abs(),
        by: rule.by,
        created: rule.created,
    };
    let token = written.token().ok().flatten();
    let page = ApprovalRulesPage {
        shell: shell(&app, &person, address(&uri)),
        rules: all.into_iter().map(row).collect(),
        tokens: tokens
            .into_iter()
            .filter(|token| token.revoked.is_none())
            .map(|token| (token.id, token.name))
            .collect(),
        form: RuleForm {
            name: written.name,
            host_name: written.host_name,
            domain: written.domain,
            address_range: written.address_range,
            token,
            labels: written.labels,
            group: written.group.parse().ok(),
        },
        groups: groups.iter().map(|group| (group.id.0, group.name.clone())).collect(),
        trial,
        may_administer: person.role >= Role::Admin,
    };
    Ok(Html(page.render()?))
}

/// Makes a rule and approves the hosts that wait and meet it.
pub(in crate::pages) async fn create(
    State(app): State<SharedApp>,
    Extension(person): Extension<Person>,
    Form(written): Form<Written>,
) -> Result<Redirect, AppError> {
    let conditions = written.conditions()?;
    let name = rules::checked_name(&written.name)?;
    let mut db = app.pool.acquire().await?;
    let now = app.clock.now();
    let binding = written.binding(&mut db).await?;
    let mut transaction = db.begin().await?;
    let id = approval_rules::create(&mut transaction, &name, &conditions, &person.name, MOST, now)
        .await?
        .ok_or_else(rules::too_many)?;
    approval_rules::set_binding(&mut transaction, id, &binding).await?;
    transaction.commit().await?;
    drop(db);
    decisions::apply_rules(&app).await?;
    Ok(Redirect::to("/hosts/rules"))
}

/// Moves a rule before the one that precedes it.
pub(in crate::pages) async fn move_up(
    State(app): State<SharedApp>,
    Extension(_): Extension<Person>,
    Path(id): Path<i32>,
) -> Result<Redirect, AppError> {
    approval_rules::move_up(&mut *app.pool.acquire().await?, id).await?;
    Ok(Redirect::to("/hosts/rules"))
}

/// Takes a rule away.
pub(in crate::pages) async fn delete(
    State(app): State<SharedApp>,
    Extension(_): Extension<Person>,
    Path(id): Path<i32>,
) -> Result<Redirect, AppError> {
    if !approval_rules::delete(&mut *app.pool.acquire().await?, id).await? {
        return Err(AppError::not_found("There is no such rule"));
    }
    Ok(Redirect::to("/hosts/rules"))
}

/// What a rule would do with the hosts that wait.
fn try_rule(conditions: &RuleConditions, waiting: &[Candidate]) -> RuleTrial {
    let rule = Rule::read(conditions);
    let asked_for: Vec<&Candidate> = waiting
        .iter()
        .filter(|one| rule.as_ref().is_some_and(|rule| rule.is_met_by(Proposal::from(*one))))
        .collect();
    let (clear, unclear): (Vec<&Candidate>, Vec<&Candidate>) =
        asked_for.into_iter().partition(|one| one.is_clear());
    let link = |one: &&Candidate| HostLink { id: one.id, name: one.facts.fqdn.clone() };
    RuleTrial::Would {
        hosts: clear.iter().take(NAMED).map(link).collect(),
        approve: clear.len() as u64,
        unclear: unclear.len() as u64,
        waiting: waiting.len() as u64,
    }
}
