//! Renders every page with sample data into a folder, to be looked at in a browser:
//! `cargo run -p poolwatch-web --example gallery -- /tmp/gallery`, then serve that folder.

mod samples;

use std::{env, error::Error, fs, path::Path};

use poolwatch_model::{
    Bytes,
    memory::CeilingSource,
    series::{Break, Point, Series},
};
use poolwatch_web::{
    LivePage, Page, assets,
    error::ErrorPage,
    events::{EventsPage, EventsQuery},
    evidence::EvidencePage,
    host::{Limit, Limits, Mark, MarkKind, PoolsChart},
    hosts::HostsQuery,
    login::{LoginError, LoginPage},
    search::{Found, SearchPage},
};

fn main() -> Result<(), Box<dyn Error>> {
    let folder = env::args().nth(1).ok_or("usage: gallery <folder>")?;
    let folder = Path::new(&folder);
    fs::create_dir_all(folder.join("static"))?;
    fs::create_dir_all(folder.join("hosts/1"))?;
    for asset in assets::ALL {
        fs::write(folder.join("static").join(asset.path), asset.bytes)?;
    }
    fs::write(folder.join("hosts/1/pools.json"), serde_json::to_vec(&pools())?)?;
    for (name, text) in pages()? {
        fs::write(folder.join(name), text)?;
    }
    Ok(())
}

fn pages() -> Result<Vec<(&'static str, String)>, Box<dyn Error>> {
    let mut filtered = samples::hosts();
    filtered.query = HostsQuery { q: "nothing like it".into(), ..HostsQuery::default() };
    (filtered.rows, filtered.total) = (vec![], 0);
    let events = EventsPage {
        shell: samples::shell("/events"),
        query: EventsQuery::default(),
        total: 341,
        rows: samples::events(),
    };
    let evidence = EvidencePage {
        shell: samples::shell("/evidence"),
        may_bring: true,
        error: Some("No file was chosen.".into()),
        limit: Bytes(32 << 20),
        diagnosed: vec![samples::recent_diagnosis()],
        kept: samples::imported().into_iter().map(|file| (samples::fs02(), file)).collect(),
    };
    let result = samples::diagnosed();
    let search = SearchPage {
        shell: samples::shell("/search?q=badapp"),
        text: "badapp".into(),
        hosts: vec![samples::classic_row()],
        hosts_total: 1,
        tags: Found::default(),
        applications: Found::default(),
        drivers: Found::default(),
        incidents: vec![(
            samples::incident(17, 1, samples::classic_diagnosis()),
            Some(samples::fs02()),
        )],
    };
    let error = ErrorPage {
        shell: Some(samples::shell("/hosts/99")),
        status: 404,
        title: "There is no such host".into(),
        advice: "It may have been removed. Search for its name, or look through all hosts.".into(),
        request_id: "0198c5c2-7b1e-7d10-a1b2-3c4d5e6f7081".into(),
    };
    let login = |error| LoginPage { email: "ana@corp.example".into(), error, next: "/".into() };
    let mail = samples::mail();
    Ok(vec![
        ("login.html", login(Some(LoginError::WrongCredentials)).render()?),
        ("fleet.html", samples::fleet().render()?),
        ("fleet-live.html", samples::fleet().render_live()?),
        ("fleet-empty.html", samples::empty_fleet().render()?),
        ("hosts.html", samples::hosts().render()?),
        ("hosts-none.html", filtered.render()?),
        ("host.html", samples::classic_host().render()?),
        ("host-stale.html", samples::stale_host().render()?),
        ("incidents.html", samples::incidents().render()?),
        ("incident.html", samples::incident_page().render()?),
        ("tags.html", samples::lists::tags().render()?),
        ("tag.html", samples::lists::tag_page().render()?),
        ("applications.html", samples::lists::applications().render()?),
        ("application.html", samples::lists::application().render()?),
        ("drivers.html", samples::lists::drivers().render()?),
        ("driver.html", samples::lists::driver().render()?),
        ("events.html", events.render()?),
        ("evidence.html", evidence.render()?),
        ("evidence-result.html", result.render()?),
        ("search.html", search.render()?),
        ("error.html", error.render()?),
        ("mail.html", mail.html()?),
        ("mail.txt", format!("Subject: {}\n\n{}", mail.subject()?, mail.text()?)),
    ])
}

/// A day of the classic case: a reboot in the morning, an hour without data, then the leak.
fn pools() -> PoolsChart {
    let (from, to) = (samples::ago(86_400), samples::ago(0));
    let reboot = samples::ago(61_200);
    let points = |of: fn(i64) -> u64| {
        (0..288)
            .filter(|at| !(120..132).contains(at))
            .map(|at| {
                let mean = of(at);
                let point = samples::ago(86_400 - at * 300);
                Point { at: point, min: mean - mean / 40, mean, max: mean + mean / 30 }
            })
            .collect()
    };
    let series =
        |of| Series { step_s: 300, points: points(of), breaks: vec![(reboot, Break::Gap)] };
    let nonpaged = |at: i64| match at {
        0..84 => (150 << 20) + at as u64 * 240_000,
        _ => (60 << 20) + (at - 84) as u64 * 730_000,
    };
    let paged = |at: i64| (41 << 20) + (at * 7919 % 31) as u64 * 60_000;
    let limits = Limits {
        nonpaged: Some(Limit { bytes: 217_112 << 10, source: CeilingSource::Measured }),
        paged: Some(Limit { bytes: 360 << 20, source: CeilingSource::Documented }),
    };
    let mark = |ago, kind, label: &str| Mark { t: samples::NOW - ago, kind, label: label.into() };
    let marks =
        vec![mark(61_200, MarkKind::Reboot, "restart"), mark(1_200, MarkKind::Event, "2019")];
    PoolsChart::new((from, to), &series(nonpaged), &series(paged), limits, marks)
}
