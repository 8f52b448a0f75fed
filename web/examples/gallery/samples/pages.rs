//! Every page of the console with sample data, by the name of its file in the gallery.

use poolwatch_model::Bytes;
use poolwatch_web::{
    HostLink, Page, RenderError,
    compare::{Column, ComparePage, CompareQuery, Row, Value},
    error::ErrorPage,
    events::{EVENTS, EventsPage},
    evidence::EvidencePage,
    hosts::HostsPage,
    list::ListView,
    login::{LoginError, LoginPage},
    map::{MapPage, MapQuery},
    search::{Found, SearchPage},
};

use super::lists;

pub(crate) fn all() -> Result<Vec<(&'static str, String)>, RenderError> {
    Ok(vec![
        ("login", login().render()?),
        ("fleet", super::fleet().render()?),
        ("fleet-empty", super::empty_fleet().render()?),
        ("hosts", super::hosts().render()?),
        ("hosts-none", no_hosts().render()?),
        ("host", super::classic_host().render()?),
        ("host-stale", super::stale_host().render()?),
        ("host-tags", super::all_tags().render()?),
        ("host-processes", super::all_processes().render()?),
        ("host-types", super::all_types().render()?),
        ("host-drivers", super::all_drivers().render()?),
        ("host-timeline", super::timeline().render()?),
        ("map", map().render()?),
        ("waiting", super::enrolment::waiting().render()?),
        ("archived", super::enrolment::archived().render()?),
        ("waiting-host", super::enrolment::waiting_host().render()?),
        ("rules", super::enrolment::rules().render()?),
        ("deploy", super::enrolment::deploy().render()?),
        ("incidents", super::incidents().render()?),
        ("incident", super::incident_page().render()?),
        ("tags", lists::tags().render()?),
        ("tag", lists::tag_page().render()?),
        ("applications", lists::applications().render()?),
        ("application", lists::application().render()?),
        ("drivers", lists::drivers().render()?),
        ("driver", lists::driver().render()?),
        ("events", events().render()?),
        ("compare", compare().render()?),
        ("alerts", super::alert_pages::alerts().render()?),
        ("alerts-empty", super::alert_pages::empty().render()?),
        ("rule", super::alert_pages::rule().render()?),
        ("host-rule", super::alert_pages::host_rule().render()?),
        ("evidence", evidence().render()?),
        ("evidence-result", super::diagnosed().render()?),
        ("search", search().render()?),
        ("error", error().render()?),
        ("welcome", super::account_pages::welcome().render()?),
        ("code", super::account_pages::code().render()?),
        ("account", super::account_pages::account().render()?),
        ("secret", super::account_pages::secret().render()?),
        ("second-factor", super::account_pages::second_factor().render()?),
        ("settings", super::settings_pages::overview().render()?),
        ("people", super::settings_pages::people().render()?),
        ("person", super::settings_pages::person().render()?),
        ("tokens", super::settings_pages::tokens().render()?),
        ("groups", super::settings_pages::groups().render()?),
        ("group", super::settings_pages::one_group().render()?),
        ("sign-in", super::settings_pages::sign_in().render()?),
        ("mail-server", super::settings_pages::mail().render()?),
        ("retention", super::settings_pages::retention().render()?),
        ("audit", super::settings_pages::audit().render()?),
        ("server", super::settings_pages::server().render()?),
    ])
}

fn map() -> MapPage {
    MapPage {
        shell: super::shell("/map"),
        query: MapQuery::default(),
        groups: vec!["Berlin/Files".into()],
        hosts: [1_180, 19, 4, 1],
    }
}

fn login() -> LoginPage {
    let error = Some(LoginError::WrongCredentials);
    LoginPage {
        email: "ana@corp.example".into(),
        error,
        next: "/".into(),
        provider: Some("https://id.corp.example/realms/corp".into()),
    }
}

fn no_hosts() -> HostsPage {
    let mut page = super::hosts_asked(&[("q", "nothing like it")]);
    (page.list.total, page.list.rows) = (0, vec![]);
    page
}

pub(crate) fn events() -> EventsPage {
    let query = super::query(&EVENTS, "/events", &[("page", "2")]);
    let rows = super::events();
    let list = ListView::new(query, rows, 341);
    EventsPage { shell: super::shell("/events"), list }
}

fn compare() -> ComparePage {
    let column = |host: HostLink, is_affected| Column {
        name: host.name.clone(),
        host: Some(host),
        what: "Windows Server 2022".into(),
        at: Some(super::ago(40)),
        is_affected,
        is_known: true,
        without: "/compare?host=7&by=tags".into(),
    };
    let row = |name: &str, meaning: Option<&str>, values: [u64; 2]| Row {
        name: name.into(),
        kind: Some("nonpaged".into()),
        meaning: meaning.map(Into::into),
        values: values.into_iter().map(|bytes| Some(Value::Bytes(bytes))).collect(),
        scale: 1 << 30,
    };
    let pairs = ["7", "8"].map(|host| ("host".to_owned(), host.to_owned()));
    ComparePage {
        shell: super::shell("/compare?host=7&host=8"),
        query: CompareQuery { equal: true, ..CompareQuery::read(&pairs) },
        columns: vec![
            column(super::link(7, "SQL-07"), true),
            column(super::link(8, "SQL-08"), false),
        ],
        missing: vec!["There is no host FS-99.".into()],
        groups: vec!["Berlin/Files".into()],
        proposed: None,
        rows: vec![
            row("Fooo", None, [1 << 30, 1 << 20]),
            row("Thre", Some("thread objects"), [90 << 20, 30 << 20]),
        ],
        differ: 2,
        equal_rows: vec![row("File", Some("file objects"), [30 << 20, 29 << 20])],
        equal: 1,
    }
}

fn evidence() -> EvidencePage {
    EvidencePage {
        shell: super::shell("/evidence"),
        may_bring: true,
        error: Some("No file was chosen.".into()),
        limit: Bytes(32 << 20),
        diagnosed: vec![super::recent_diagnosis()],
        kept: super::imported().into_iter().map(|file| (super::fs02(), file)).collect(),
    }
}

fn search() -> SearchPage {
    SearchPage {
        shell: super::shell("/search?q=badapp"),
        text: "badapp".into(),
        hosts: vec![super::classic_row()],
        hosts_total: 1,
        tags: Found { rows: vec![lists::tag_line()], total: 1 },
        applications: Found { rows: vec![lists::application_line()], total: 30 },
        drivers: Found { rows: vec![lists::driver_line()], total: 1 },
        incidents: vec![(super::incident(17, 1, super::classic_diagnosis()), Some(super::fs02()))],
    }
}

fn error() -> ErrorPage {
    ErrorPage {
        shell: Some(super::shell("/hosts/99")),
        status: 404,
        title: "There is no such host".into(),
        advice: "It may have been removed. Search for its name, or look through all hosts.".into(),
        path: None,
        request_id: "0198c5c2-7b1e-7d10-a1b2-3c4d5e6f7081".into(),
    }
}
