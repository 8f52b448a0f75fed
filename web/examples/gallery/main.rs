//! Renders every page with sample data into a folder, to be looked at in a browser:
//! `cargo run -p poolwatch-web --example gallery -- /tmp/gallery`, then serve that folder.

mod samples;

use std::{env, error::Error, fs, path::Path};

use poolwatch_model::{
    memory::CeilingSource,
    series::{Break, Point, Series},
};
use poolwatch_web::{
    LivePage, assets,
    host::{Limit, Limits, Mark, MarkKind, PoolsChart},
    mail::PoolChart,
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
    for (name, text) in samples::pages::all()? {
        fs::write(folder.join(format!("{name}.html")), text)?;
    }
    fs::write(folder.join("fleet-live.html"), samples::fleet().render_live()?)?;
    let mail = samples::mail();
    // What a mail brings with it is a file here.
    let shown = |html: String| html.replace("cid:chart", "chart.png");
    if let Some(chart) = mail.chart.as_ref().and_then(PoolChart::draw) {
        fs::write(folder.join("chart.png"), chart)?;
    }
    fs::write(folder.join("mail.html"), shown(mail.html()?))?;
    fs::write(folder.join("mail-rule.html"), samples::alert_pages::rule_mail().html()?)?;
    fs::write(folder.join("mail-digest.html"), samples::alert_pages::digest_mail().html()?)?;
    let text = format!("Subject: {}\n\n{}", mail.subject()?, mail.text()?);
    fs::write(folder.join("mail.txt"), text)?;
    Ok(())
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
