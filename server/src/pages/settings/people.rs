//! People who may sign in (`/settings/people`).

use super::{
    address,
    scope::{Pairs, has_scope, read_groups, read_role, scope_form, value},
    shell,
};
use crate::{
    access::{
        audit::AuditNote,
        people::{Person, Proof},
    },
    accounts::{
        mails,
        people::{self, NewPerson, PersonChanges},
    },
    app::{App, SharedApp},
    app_error::AppError,
    pages::{
        lists::{self, Parameters},
        sessions as session_pages,
    },
    parameters::{Form, Path},
};
use axum::{
    Extension,
    extract::State,
    http::Uri,
    response::{Html, IntoResponse, Redirect, Response},
};
use poolwatch_model::person::Scope;
use poolwatch_store::{
    people::{self as stored, Account},
    sessions,
};
use poolwatch_web::{
    Page,
    account::SecretPage,
    list::ListView,
    settings::people::{AccountState, PEOPLE, PeoplePage, PeopleQuery, PersonPage, PersonRow},
    words,
};

/// People that are read, by name.
const MOST: i64 = 10_000;
const PATH: &str = "/settings/people";
const BACK: (&str, &str) = (PATH, "All people");

type Done = Result<(Extension<AuditNote>, Redirect), AppError>;

/// The list.
pub(in crate::pages) async fn list(
    State(app): State<SharedApp>,
    Extension(person): Extension<Person>,
    parameters: Parameters,
    uri: Uri,
) -> Result<Html<String>, AppError> {
    let query = lists::read(&PEOPLE, PATH, &parameters)?;
    let (all, found) = load(&app, &query).await?;
    let page = PeoplePage {
        shell: shell(&app, &person, address(&uri)),
        list: ListView { all, ..lists::page(query, &found, Clone::clone) },
        scope: scope_form(&app, Scope::WholeFleet).await?,
    };
    Ok(Html(page.render()?))
}

/// The list as a file.
pub(in crate::pages) async fn file(
    State(app): State<SharedApp>,
    parameters: Parameters,
    uri: Uri,
) -> Result<Response, AppError> {
    let query = lists::read(&PEOPLE, PATH, &parameters)?;
    lists::file(&PEOPLE, &load(&app, &query).await?.1, Clone::clone, &uri)
}

async fn load(app: &App, query: &PeopleQuery) -> Result<(u64, Vec<PersonRow>), AppError> {
    let accounts = stored::accounts(&mut *app.pool.acquire().await?, MOST, app.clock.now()).await?;
    let all = accounts.len() as u64;
    let wanted = query.filter.q.trim().to_lowercase();
    let matches = |row: &PersonRow| {
        [&row.name, &row.email].iter().any(|text| text.to_lowercase().contains(&wanted))
    };
    let mut rows: Vec<PersonRow> = accounts.iter().map(row).filter(matches).collect();
    query.sort_rows(&mut rows);
    Ok((all, rows))
}

fn row(account: &Account) -> PersonRow {
    let Account { user, created, disabled, link_until, last_used, provider } = account;
    let has_key = !user.password_hash.is_empty() || provider.is_some();
    let state = match (disabled, !has_key, link_until) {
        (Some(_), ..) => AccountState::Disabled,
        (None, false, _) => AccountState::Active,
        (None, true, Some(until)) => AccountState::Invited(*until),
        (None, true, None) => AccountState::InvitationEnded,
    };
    PersonRow {
        id: user.id,
        name: user.name.clone(),
        email: user.email.clone(),
        role: user.role,
        state,
        has_second_factor: user.sealed_totp.is_some(),
        last_used: *last_used,
        created: *created,
    }
}

/// Adds a person, and shows the link by which they set their password.
pub(in crate::pages) async fn add(
    State(app): State<SharedApp>,
    Extension(person): Extension<Person>,
    Form(pairs): Form<Pairs>,
) -> Result<Response, AppError> {
    let role = read_role(&pairs)?;
    let new = NewPerson::read(value(&pairs, "name")?, value(&pairs, "email")?, role);
    let new = NewPerson { groups: read_groups(&pairs)?, ..new.map_err(AppError::bad_request)? };
    let (_, link) = people::add(&app, &new).await?;
    let sent = send_if_wanted(&app, &pairs, (&new.name, &new.email), &link).await?;
    let note = AuditNote::new(new.email.as_str(), format!("{}, {}", new.name, words::role(role)));
    let headline = format!("{} can set a password by this link", new.name);
    show_link(&app, &person, headline, (link, sent), note)
}

/// Sends a link by mail, where the form asks for that.
async fn send_if_wanted(
    app: &App,
    form: &Pairs,
    to: (&str, &str),
    link: &str,
) -> Result<String, AppError> {
    match form.iter().any(|(name, _)| name == "send") {
        true => mails::send_link(app, to, link).await,
        false => Ok("Hand it to the person by a way that nobody else reads.".to_owned()),
    }
}

/// Makes a link by which a person sets a new password, and shows it.
pub(in crate::pages) async fn make_link(
    State(app): State<SharedApp>,
    Extension(person): Extension<Person>,
    Path(id): Path<i32>,
    Form(pairs): Form<Pairs>,
) -> Result<Response, AppError> {
    let (Account { user, .. }, link) = people::make_link(&app, id).await?;
    let sent = send_if_wanted(&app, &pairs, (&user.name, &user.email), &link).await?;
    let note = AuditNote::new(user.email, "link to set a password");
    let headline = format!("{} can set a new password by this link", user.name);
    show_link(&app, &person, headline, (link, sent), note)
}

fn show_link(
    app: &SharedApp,
    person: &Person,
    headline: String,
    (link, sent): (String, String),
    note: AuditNote,
) -> Result<Response, AppError> {
    let page = SecretPage {
        shell: shell(app, person, PATH.to_owned()),
        headline,
        advice: format!("{sent} It works once, within three days."),
        secrets: vec![link],
        back: BACK,
    };
    Ok((Extension(note), Html(page.render()?)).into_response())
}

/// One person.
pub(in crate::pages) async fn page(
    State(app): State<SharedApp>,
    Extension(person): Extension<Person>,
    Path(id): Path<i32>,
    uri: Uri,
) -> Result<Html<String>, AppError> {
    let mut db = app.pool.acquire().await?;
    let account = people::find(&app, &mut db, id).await?;
    let sessions = sessions::of_user(&mut db, id, app.clock.now()).await?;
    drop(db);
    let scope = scope_form(&app, account.user.scope.clone()).await?;
    let (own, session) = match &person.proof {
        Proof::Session { user, session, .. } => (Some(*user), Some(*session)),
        Proof::Token { .. } | Proof::CommandLine => (None, None),
    };
    let page = PersonPage {
        shell: shell(&app, &person, address(&uri)),
        person: row(&account),
        is_self: own == Some(id),
        provider: account.provider,
        scope,
        sessions: session_pages::rows(sessions, session),
    };
    Ok(Html(page.render()?))
}

/// Changes name and role.
pub(in crate::pages) async fn change(
    State(app): State<SharedApp>,
    Path(id): Path<i32>,
    Form(pairs): Form<Pairs>,
) -> Done {
    let role = read_role(&pairs)?;
    let groups = has_scope(&pairs).then(|| read_groups(&pairs)).transpose()?;
    let changes = PersonChanges { name: value(&pairs, "name")?, role, groups };
    let detail = people::change(&app, id, changes).await?;
    Ok((Extension(AuditNote::new("", detail)), back(id)))
}

/// Lets a person sign in no more.
pub(in crate::pages) async fn disable(State(app): State<SharedApp>, Path(id): Path<i32>) -> Done {
    let email = people::set_disabled(&app, id, true).await?;
    Ok((Extension(AuditNote::new(email, "disabled")), back(id)))
}

/// Lets a person sign in again.
pub(in crate::pages) async fn enable(State(app): State<SharedApp>, Path(id): Path<i32>) -> Done {
    let email = people::set_disabled(&app, id, false).await?;
    Ok((Extension(AuditNote::new(email, "enabled")), back(id)))
}

/// Deletes a person.
pub(in crate::pages) async fn delete(State(app): State<SharedApp>, Path(id): Path<i32>) -> Done {
    let email = people::delete(&app, id).await?;
    Ok((Extension(AuditNote::new(email, "deleted")), Redirect::to(PATH)))
}

/// Turns off a person's second factor.
pub(in crate::pages) async fn reset_second_factor(
    State(app): State<SharedApp>,
    Path(id): Path<i32>,
) -> Done {
    let email = people::reset_second_factor(&app, id).await?;
    Ok((Extension(AuditNote::new(email, "second factor off")), back(id)))
}

/// Ends one session of a person.
pub(in crate::pages) async fn end_session(
    State(app): State<SharedApp>,
    Path((id, session)): Path<(i32, i64)>,
) -> Result<Redirect, AppError> {
    people::end_session(&app, id, session).await?;
    Ok(back(id))
}

fn back(id: i32) -> Redirect {
    Redirect::to(&format!("{PATH}/{id}"))
}
