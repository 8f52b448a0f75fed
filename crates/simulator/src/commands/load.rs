//! `load`: as many frames as a server can take, and how it does.

mod backlog;
mod connection;
mod counts;
mod lane;
mod live;
mod open;
mod options;
mod record;
mod report;
mod uplink;

use std::sync::{Arc, Mutex};

use anyhow::Result;
use poolwatch_simulator::load::LoadFleet;
use tracing::info;

pub(crate) use self::options::Options;
use self::{connection::Dialer, record::Record, report::Report, uplink::Shared};

pub(super) async fn run(options: Options) -> Result<()> {
    let interval_ms = options.interval.as_millis() as u32;
    let shared = Arc::new(Shared {
        dialer: Dialer::new(&options.server)?,
        fleet: Mutex::new(LoadFleet::new(options.seed, options.hosts, interval_ms)),
        token: options.server.token.clone(),
        record: options.record.as_deref().map(Record::create).transpose()?,
    });
    let mut report = Report::default();

    let lanes = open::connections(&shared, options.connections(), &mut report).await?;
    let mut lanes = open::enrol(lanes, options.hosts, &mut report).await?;
    if options.backlog > 0 {
        lanes = backlog::send(lanes, &options, &mut report).await?;
    }
    if options.duration > 0 {
        live::send(lanes, &options, &mut report).await?;
    }
    if let Some(record) = &shared.record {
        record.finish()?;
    }
    report.traffic(&shared.dialer.traffic);
    if options.json {
        println!("{}", serde_json::to_string(&report)?);
    } else {
        info!("Ended");
        println!("{}", serde_json::to_string_pretty(&report)?);
    }
    Ok(())
}
