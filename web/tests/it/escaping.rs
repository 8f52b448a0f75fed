//! Hosts choose their own names: nothing they send becomes markup.

use poolwatch_model::{PoolTag, diagnosis::Evidence, incident::Noted};
use poolwatch_web::{
    LivePage, Page,
    error::ErrorPage,
    events::EventsFilter,
    incidents::PackPage,
    search::{Found, SearchPage},
};

use crate::samples;

const HOSTILE: &str = "\"'><img src=x onerror=alert(1)>";

#[track_caller]
fn is_harmless(page: &str) {
    assert!(!page.contains("<img"), "markup got through");
    assert!(!page.contains("\"'>"), "a quote got through");
    assert!(page.contains("&#60;img") || page.contains("%3Cimg"), "the text is not even there");
}

#[test]
fn a_hostile_host_is_shown_and_harmless() {
    let mut page = samples::classic_host();
    page.host.name = HOSTILE.into();
    page.host.facts.ou = Some(format!("OU={}", HOSTILE.replace('=', "")));
    page.host.facts.agent_version = Some(HOSTILE.into());
    page.host.facts.os.as_mut().unwrap().product = HOSTILE.into();
    for row in &mut page.events {
        row.host.name = HOSTILE.into();
        row.event.provider = HOSTILE.into();
    }
    let tags = page.tags.as_mut().unwrap();
    tags.rows[0].tag = PoolTag::new(*b"<b>\"");
    tags.rows[0].meaning.as_mut().unwrap().text = HOSTILE.into();
    tags.rows[0].meaning.as_mut().unwrap().owner = Some(HOSTILE.into());
    let processes = page.processes.as_mut().unwrap();
    processes.rows[0].process.image = HOSTILE.into();
    processes.rows[0].process.services = vec![HOSTILE.into()];
    page.object_types[0].name = HOSTILE.into();
    page.evidence[0].name = HOSTILE.into();
    page.evidence[0].kind = Some(HOSTILE.into());
    page.steps.first[0].title = HOSTILE.into();
    page.steps.first[0].commands = vec![HOSTILE.into()];
    let suspect = &mut page.diagnosis.as_mut().unwrap().suspects[0];
    suspect.name = Some(HOSTILE.into());
    suspect.evidence = vec![Evidence::ProcessHandles { image: HOSTILE.into(), pid: 1, handles: 2 }];
    let text = page.render().unwrap();
    is_harmless(&text);
    is_harmless(&page.render_live().unwrap());
    assert!(!text.contains("<b>\""), "the tag is text, too");
}

#[test]
fn tables_of_hostile_hosts_are_harmless() {
    let mut fleet = samples::fleet();
    fleet.shell.person = HOSTILE.into();
    fleet.groups = vec![HOSTILE.into()];
    for row in &mut fleet.hosts {
        row.host.name = HOSTILE.into();
        row.group = Some(HOSTILE.into());
        row.top_process.as_mut().unwrap().image = HOSTILE.into();
    }
    for cause in &mut fleet.causes {
        cause.worst.as_mut().unwrap().host.name = HOSTILE.into();
        cause.incident.diagnosis.suspects[0].name = Some(HOSTILE.into());
    }
    fleet.growing[0].meaning = Some(HOSTILE.into());
    is_harmless(&fleet.render().unwrap());

    let hosts = samples::hosts_asked(&[("q", HOSTILE), ("group", HOSTILE)]);
    is_harmless(&hosts.render().unwrap());

    let mut events = samples::pages::events();
    events.list.query.filter = EventsFilter { host: HOSTILE.into(), id: HOSTILE.into() };
    let rows = &mut events.list.rows;
    rows[0].event.data = vec![HOSTILE.into()];
    rows[2].event.exhaustion.as_mut().unwrap().top_processes[0].image = HOSTILE.into();
    is_harmless(&events.render().unwrap());
}

#[test]
fn hostile_evidence_and_searches_are_harmless() {
    let mut page = samples::diagnosed();
    page.files[0].name = HOSTILE.into();
    page.files[0].ignored_lines[0].text = HOSTILE.into();
    page.host = HOSTILE.into();
    page.remarks = vec![HOSTILE.into()];
    page.tags[0].meaning = Some(HOSTILE.into());
    is_harmless(&page.render().unwrap());

    let search = SearchPage {
        shell: samples::shell("/search"),
        text: HOSTILE.into(),
        hosts: samples::host_rows(),
        hosts_total: 1_000,
        tags: Found::default(),
        applications: Found::default(),
        drivers: Found::default(),
        incidents: vec![],
    };
    is_harmless(&search.render().unwrap());

    let error = ErrorPage {
        shell: None,
        status: 400,
        title: HOSTILE.into(),
        advice: HOSTILE.into(),
        path: None,
        request_id: "r".into(),
    };
    is_harmless(&error.render().unwrap());
    is_harmless(&error.render_fragment().unwrap());
}

#[test]
fn hostile_comments_and_notes_are_harmless() {
    let mut page = samples::incident_page();
    page.owner = Some(HOSTILE.into());
    page.people = vec![HOSTILE.into()];
    page.worst_on.as_mut().unwrap().name = HOSTILE.into();
    page.changes[0].name = HOSTILE.into();
    page.changes[0].after = Some(HOSTILE.into());
    page.others[0].title = HOSTILE.into();
    page.confirmation.as_mut().unwrap().suspect = HOSTILE.into();
    for note in &mut page.notes {
        note.by = Some(HOSTILE.into());
        note.what = Noted::Comment(HOSTILE.into());
    }
    is_harmless(&page.render().unwrap());
    is_harmless(&page.render_live().unwrap());

    let mut page = samples::lists::tag_page();
    let note = page.note.as_mut().unwrap();
    (note.meaning, note.owner, note.by) = (HOSTILE.into(), Some(HOSTILE.into()), HOSTILE.into());
    is_harmless(&page.render().unwrap());
    page.may_write = false;
    is_harmless(&page.render().unwrap());
}

#[test]
fn a_hostile_mail_stays_one_subject_and_plain_words() {
    let mut mail = samples::mail();
    mail.host = format!("a\r\nBcc: x@y.z\r\n\r\n{HOSTILE}\u{1b}[2J");
    mail.processes[0].image = format!("x.exe\r\nResolved: all is well{HOSTILE}");
    mail.tags[0].meaning = Some(HOSTILE.into());
    // The one picture that is meant.
    mail.chart = None;
    let subject = mail.subject().unwrap();
    assert!(!subject.contains(['\r', '\n', '\u{1b}']), "{subject:?}");
    let text = mail.text().unwrap();
    assert!(!text.contains('\u{1b}'));
    let is_forged = |line: &str| line.starts_with("Bcc") || line.starts_with("Resolved");
    assert!(!text.lines().any(is_forged), "{text}");
    is_harmless(&mail.html().unwrap());
}

#[test]
fn hostile_programs_and_drivers_are_harmless_in_lists_and_addresses() {
    let mut page = samples::lists::applications();
    for row in &mut page.list.rows {
        row.image = HOSTILE.into();
        row.services = vec![HOSTILE.into()];
    }
    is_harmless(&page.render().unwrap());
    let mut page = samples::lists::application();
    page.image = HOSTILE.into();
    is_harmless(&page.render().unwrap());
    let mut page = samples::lists::drivers();
    for row in &mut page.list.rows {
        (row.name, row.company) = (HOSTILE.into(), Some(HOSTILE.into()));
        row.common = Some((HOSTILE.into(), 1));
    }
    is_harmless(&page.render().unwrap());
    let mut page = samples::lists::driver();
    page.name = HOSTILE.into();
    page.versions[0].version = Some(HOSTILE.into());
    page.list.rows[0].version = Some(HOSTILE.into());
    is_harmless(&page.render().unwrap());
}

#[test]
fn hostile_rows_of_a_host_are_harmless_and_empty_names_have_a_word() {
    let mut page = samples::all_processes();
    page.host.name = HOSTILE.into();
    page.list.rows[0].process.image = HOSTILE.into();
    page.list.rows[0].process.services = vec![HOSTILE.into()];
    page.list.rows[1].process.image = String::new();
    let html = page.render().unwrap();
    is_harmless(&html);
    assert!(html.contains(">(no name)</a>"), "{html}");
    let mut page = samples::all_drivers();
    page.list.rows[0].name = HOSTILE.into();
    page.list.rows[0].version = Some(HOSTILE.into());
    is_harmless(&page.render().unwrap());
    let mut page = samples::all_types();
    page.list.rows[0].used.name = HOSTILE.into();
    is_harmless(&page.render().unwrap());
    let mut page = samples::timeline();
    page.list.rows[0].text = HOSTILE.into();
    is_harmless(&page.render().unwrap());
    let incident = samples::incident_page();
    let raw = vec![HOSTILE.into()];
    let pack = PackPage { page: &incident, url: "https://x", chart: "<svg></svg>", raw };
    is_harmless(&pack.render().unwrap());
}
