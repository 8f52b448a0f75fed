//! The hosts that run a program, in the order that is asked for.

use std::sync::Arc;

use poolwatch_web::{
    application::{ApplicationHostsQuery, RunningRow},
    words,
};

use crate::{
    app_error::AppError,
    fleet::{program_by_host::RunningProgram, view::HostSummary, visible::VisibleFleet},
    pages::rows,
};

/// A host that runs the program.
#[derive(Debug)]
pub(super) struct RunningHost {
    running: RunningProgram,
    summary: Arc<HostSummary>,
}

/// The hosts that run a program. Looks at every host, so it runs beside the requests' threads.
pub(super) async fn select(
    visible: VisibleFleet,
    image: &str,
    query: &ApplicationHostsQuery,
) -> Result<Vec<RunningHost>, AppError> {
    let (image, query) = (image.to_owned(), query.clone());
    let work = move || {
        let known = |running: RunningProgram| {
            Some(RunningHost { summary: visible.view.host(running.host)?.clone(), running })
        };
        let mut hosts: Vec<RunningHost> =
            visible.program_by_host(&image).into_iter().filter_map(known).collect();
        query.sort(&mut hosts, |host| host.row(&image));
        hosts
    };
    tokio::task::spawn_blocking(work).await.map_err(AppError::internal)
}

impl RunningHost {
    /// The host as a row.
    pub(super) fn row(&self, image: &str) -> RunningRow {
        let Self { running, summary } = self;
        RunningRow {
            host: rows::link(summary),
            full_name: summary.host.name.clone(),
            group: words::group(&summary.host.facts),
            image: image.to_owned(),
            most_handles: running.most_handles.into(),
            most_pid: running.most_pid,
            handles: running.handles,
            threads: running.threads,
            processes: running.processes.into(),
            services: running.services.clone(),
        }
    }
}
