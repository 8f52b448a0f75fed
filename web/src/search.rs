//! Search over hosts and incidents (`GET /search?q=`).

use askama::Template;
use poolwatch_model::{Pool, incident::Incident};

use crate::{HostLink, Shell, assets, figures, hosts::HostRow, links, words};

/// What a search found. With one exact host, send its page instead.
#[derive(Debug, Clone, Template)]
#[template(path = "search.html")]
pub struct SearchPage {
    /// What surrounds the page.
    pub shell: Shell,
    /// What was asked.
    pub text: String,
    /// Hosts, best first; cut at some dozens.
    pub hosts: Vec<HostRow>,
    /// All hosts that match.
    pub hosts_total: u64,
    /// Incidents, latest first, each with the host that is worst off, if any.
    pub incidents: Vec<(Incident, Option<HostLink>)>,
}
