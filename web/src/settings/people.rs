//! People who may sign in (`GET /settings/people`), and one of them (`GET /settings/people/{id}`).

use askama::Template;
use jiff::Timestamp;
use poolwatch_model::person::Role;

use super::groups::ScopeForm;
use crate::{
    Shell,
    account::SessionRow,
    assets, figures,
    list::{
        Column, Filter, List, ListQuery, ListView, Parameter, SortKey,
        SortWording::{By, Called},
        plain_row,
    },
    words,
};

/// People who may sign in, one page of them.
#[derive(Debug, Clone, Template)]
#[template(path = "settings/people.html")]
pub struct PeoplePage {
    /// What surrounds the page.
    pub shell: Shell,
    /// The people.
    pub list: ListView<PersonRow, PeopleFilter>,
    /// Whose hosts a new person sees.
    pub scope: ScopeForm,
}

/// What `/settings/people` and its files take as parameters.
pub type PeopleQuery = ListQuery<PersonRow, PeopleFilter>;

/// Which people are asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PeopleFilter {
    /// Part of a name or an e-mail address.
    pub q: String,
}

impl Filter for PeopleFilter {
    fn parameters(&mut self) -> Vec<Parameter<'_>> {
        vec![Parameter::text("q", "Filter by text", "Name, e-mail address", &mut self.q)]
    }
}

/// A person in a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonRow {
    /// Its number.
    pub id: i32,
    /// Name shown.
    pub name: String,
    /// E-mail address, which the person signs in with.
    pub email: String,
    /// What the person may do.
    pub role: Role,
    /// Whether the person can sign in.
    pub state: AccountState,
    /// Whether signing in takes a code as well.
    pub has_second_factor: bool,
    /// When a session of the person was last used.
    pub last_used: Option<Timestamp>,
    /// When the account was made.
    pub created: Timestamp,
}

/// Whether a person can sign in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccountState {
    /// By their password.
    Active,
    /// No password was set yet; the link for it is good until then.
    Invited(Timestamp),
    /// No password was set, and the link for it has ended.
    InvitationEnded,
    /// An administrator does not let them.
    Disabled,
}

impl AccountState {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Invited(_) => "invited",
            Self::InvitationEnded => "invitation ended",
            Self::Disabled => "disabled",
        }
    }
}

impl PersonRow {
    /// The address of the person's page.
    #[must_use]
    pub fn url(&self) -> String {
        format!("/settings/people/{}", self.id)
    }
}

type PersonColumn = Column<PersonRow>;

/// All people.
pub static PEOPLE: List<PersonRow> = List {
    nouns: ["person", "people"],
    class: "people",
    columns: &[
        PersonColumn::page("Name", "name", |row| &row.name, PersonRow::url),
        PersonColumn::text("E-mail address", |row| Some(&row.email))
            .sort("email", By("e-mail address"))
            .file("email"),
        PersonColumn::text("Role", |row| Some(words::role(row.role)))
            .sort_by(
                "role",
                Called("most powerful role first", "least powerful role first"),
                |row| Some(SortKey::Number(row.role as i64)),
            )
            .file("role"),
        PersonColumn::text("State", |row| Some(row.state.as_str()))
            .sort("state", By("state"))
            .file("state"),
        PersonColumn::text("Second factor", |row| {
            Some(if row.has_second_factor { "on" } else { "off" })
        })
        .sort("second_factor", By("second factor"))
        .file("second_factor"),
        PersonColumn::when("Last seen", |row| row.last_used)
            .sort("last_seen", Called("longest unseen first", "last seen first"))
            .file("last_seen"),
        PersonColumn::when("Added", |row| Some(row.created))
            .sort("added", Called("oldest first", "newest first"))
            .file("added"),
    ],
    first: "name",
    tie: |row| SortKey::Number(row.id.into()),
    row_class: plain_row,
    file_name: "people",
    file_path: "",
    file_columns: "name email role state second_factor last_seen added",
};

impl PeoplePage {
    fn headline(&self) -> String {
        let people = figures::counted(self.list.all, "person has", "people have");
        format!("{people} an account.")
    }
}

/// One person, as an administrator sees them.
#[derive(Debug, Clone, Template)]
#[template(path = "settings/person.html")]
pub struct PersonPage {
    /// What surrounds the page.
    pub shell: Shell,
    /// The person.
    pub person: PersonRow,
    /// Whether it is the one who looks at the page.
    pub is_self: bool,
    /// The identity provider that the person signs in by.
    pub provider: Option<String>,
    /// Whose hosts the person sees.
    pub scope: ScopeForm,
    /// Where the person is signed in.
    pub sessions: Vec<SessionRow>,
}
