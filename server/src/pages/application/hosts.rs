//! The hosts that run a program, in the order that is asked for.

use std::sync::Arc;

use poolwatch_model::HostId;
use poolwatch_web::{
    application::{ApplicationQuery, RunningRow, RunningSort},
    words,
};
use serde::Serialize;

use crate::{
    app::SharedApp,
    failure::Failure,
    fleet::{
        running::Running,
        view::{FleetView, HostSummary},
    },
    pages::{
        export::{Row, inert},
        ordering, rows,
    },
};

/// A host that runs the program.
#[derive(Debug)]
pub(super) struct RunningHost {
    running: Running,
    summary: Arc<HostSummary>,
}

/// The hosts that run a program. Looks at every host, so it runs beside the requests' threads.
pub(super) async fn select(
    app: SharedApp,
    view: Arc<FleetView>,
    image: &str,
    query: &ApplicationQuery,
) -> Result<Vec<RunningHost>, Failure> {
    let (image, by, order) = (image.to_owned(), query.sort, query.order);
    let work = move || {
        let known = |running: Running| {
            Some(RunningHost { summary: view.host(running.host)?.clone(), running })
        };
        let mut hosts: Vec<RunningHost> =
            app.fleet.running(&image).into_iter().filter_map(known).collect();
        let name = |host: &RunningHost| host.summary.host.name.to_lowercase();
        match by {
            RunningSort::Host => {
                hosts.sort_by_cached_key(|host| ordering::key(Some(name(host)), order));
            }
            RunningSort::Group => hosts.sort_by_cached_key(|host| {
                (ordering::key(words::group(&host.summary.host.facts), order), name(host))
            }),
            _ => hosts.sort_by_key(|host| {
                (ordering::key(Some(host.number(by)), order), host.running.host)
            }),
        }
        hosts
    };
    tokio::task::spawn_blocking(work).await.map_err(Failure::internal)
}

impl RunningHost {
    /// The host as the page shows it.
    pub(super) fn row(&self) -> RunningRow {
        let running = &self.running;
        RunningRow {
            host: rows::link(&self.summary),
            group: words::group(&self.summary.host.facts),
            most_handles: running.most_handles.into(),
            most_pid: running.most_pid,
            handles: running.handles,
            threads: running.threads,
            processes: running.processes.into(),
            services: running.services.clone(),
        }
    }

    /// The host as a file tells it.
    pub(super) fn plain(&self, image: &str) -> PlainRow {
        let row = self.row();
        PlainRow {
            id: self.running.host,
            host: self.summary.host.name.clone(),
            group: row.group,
            image: image.to_owned(),
            processes: row.processes,
            handles: row.handles,
            most_handles: row.most_handles,
            most_handles_pid: row.most_pid,
            threads: row.threads,
            services: row.services.join(" "),
        }
    }

    fn number(&self, by: RunningSort) -> u64 {
        match by {
            RunningSort::Handles => self.running.handles,
            RunningSort::Threads => self.running.threads,
            RunningSort::Processes => self.running.processes.into(),
            _ => self.running.most_handles.into(),
        }
    }
}

/// One host. The names of the fields are the columns of the CSV file.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct PlainRow {
    id: HostId,
    host: String,
    group: Option<String>,
    image: String,
    processes: u64,
    handles: u64,
    most_handles: u64,
    most_handles_pid: u32,
    threads: u64,
    services: String,
}

impl Row for PlainRow {
    fn for_spreadsheets(&self) -> Self {
        Self {
            host: inert(&self.host),
            group: self.group.as_deref().map(inert),
            image: inert(&self.image),
            services: inert(&self.services),
            ..self.clone()
        }
    }
}
