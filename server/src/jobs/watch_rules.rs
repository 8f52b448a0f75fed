//! Rules about hosts and about the server itself: what they measure, and the alerts that follow.

mod peaks;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
    time::{Duration, Instant},
};

use jiff::{SignedDuration, Timestamp};
use poolwatch_detection::watching::{
    AlertStep, AlertWatch, HandleGrowth, HostReading, OngoingAlert, ServerReading, measure_host,
    measure_server,
};
use poolwatch_model::{
    HostId, Pool, Presence,
    alerting::{Alert, AlertRule, RuleField, RuleSetting, SERVER},
    diagnosis::Bound,
    incident::{Cause, Incident, IncidentChange},
};
use poolwatch_store::{
    alert_rules,
    alerts::{self, AlertFilter},
    deliveries, events, pool_failures, refused_enrolments,
};
use poolwatch_web::level::PoolLevel;
use sqlx::{Connection, PgConnection};
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

use self::peaks::Peaks;
use crate::{
    alerts::rule_alert,
    app::{App, SharedApp},
    app_error::AppError,
    disk_space::DiskSpace,
    fleet::view::{FleetView, HostSummary},
    scoped_host::group_names,
};

/// How often rules look.
const EVERY: Duration = Duration::from_secs(30);
/// Alerts that go on are as many as there are rules.
const ALERTS: i64 = 1_000;
/// The Server service's events about limits of its own.
const LIMIT_EVENTS: [u32; 2] = [2017, 2018];
/// What Windows logs when somebody shuts it down or restarts it.
const SHUTDOWN_EVENT: u32 = 1074;
/// A host that is heard no later than this after somebody shut it down is off, not silent.
const AFTER_SHUTDOWN: SignedDuration = SignedDuration::from_mins(15);
/// It is silent all the same once that is longer ago.
const SHUTDOWN_WITHIN: SignedDuration = SignedDuration::from_hours(24);
/// A pool at this share of its limit is under pressure, where a process takes handles.
const PRESSED: f64 = 0.75;
/// A host that is silent for longer is no news: what it measured is written down no more.
const SILENT_NOTED_S: u64 = 24 * 3600;
const HOUR: SignedDuration = SignedDuration::from_hours(1);

/// What happened within the last hour, by host.
#[derive(Debug)]
struct EventCounts {
    /// Events 2017 and 2018.
    limits: HashMap<HostId, u32>,
    /// Allocations that the Server service could not make.
    failures: HashMap<HostId, u64>,
}

/// What rules remember between two looks.
#[derive(Debug, Default)]
pub struct RuleWatcher {
    watch: AlertWatch,
    growth: HandleGrowth,
    /// When the first look was: nobody can be silent for longer, as far as this server knows.
    begun: Option<Timestamp>,
    shutdowns: HashMap<HostId, Timestamp>,
    shutdowns_read: Option<Timestamp>,
    peaks: Peaks,
}

/// What one look sees of hosts.
struct SeenFleet {
    view: Arc<FleetView>,
    readings: Vec<HostReading>,
    /// Hosts that an incident tells of, by kind of rule.
    taken: BTreeMap<AlertRule, BTreeSet<HostId>>,
    /// Kinds of rules for which something could not be read, and why.
    unread: BTreeMap<AlertRule, AppError>,
}

/// Looks for ever.
pub(super) async fn run(app: SharedApp, stop: CancellationToken) {
    let mut watcher = RuleWatcher::default();
    let mut every = tokio::time::interval(EVERY);
    every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    while stop.run_until_cancelled(every.tick()).await.is_some() {
        if app.fleet.view().at.is_none() {
            continue;
        }
        if let Err(error) = watcher.look(&app, app.clock.now()).await {
            error!(%error, "Could not look after rules");
        }
    }
}

impl RuleWatcher {
    /// One look of all rules at all hosts and at the server. Each rule is tried by itself: one that
    /// fails is told on its page and among the server's checks, and tried again at the next look.
    ///
    /// # Errors
    /// When the rules cannot be read, or what they measured cannot be written down.
    pub async fn look(&mut self, app: &App, now: Timestamp) -> Result<(), AppError> {
        let mut db = app.background_pool.acquire().await?;
        let begun = match self.begun {
            Some(begun) => begun,
            None => {
                let open = AlertFilter { is_open: true, ..AlertFilter::default() };
                for alert in alerts::list(&mut db, open, ALERTS).await? {
                    self.watch.restore(&alert, now);
                }
                *self.begun.insert(now)
            }
        };
        let rules = alert_rules::load(&mut db).await?;
        app.rule_failures.keep(|name| rules.iter().any(|rule| rule.name == name));
        for (rule, alert) in self.watch.find_orphans(&rules) {
            if let Some(alert) = alert
                && let Err(error) = alerts::end(&mut db, alert, now).await
            {
                error!(rule, %error, "Could not end the alert of a rule that is gone");
                continue;
            }
            self.watch.note(&rule, None);
        }
        let seen = self.read_fleet(app, &mut db, begun, now).await;
        self.peaks.begin(now);
        for rule in &rules {
            let tried = self.try_rule(app, &mut db, rule, &seen, now).await;
            let is_news = app.rule_failures.note(&rule.name, tried.is_err(), now);
            match tried {
                Err(error) if is_news => {
                    error!(rule = rule.name, %error, "A rule could not be looked after");
                }
                Ok(()) if is_news => info!(rule = rule.name, "A rule is looked after again"),
                _ => {}
            }
        }
        self.peaks.keep(&mut db).await
    }

    /// Looks after one rule.
    async fn try_rule(
        &mut self,
        app: &App,
        db: &mut PgConnection,
        rule: &RuleSetting,
        seen: &SeenFleet,
        now: Timestamp,
    ) -> Result<(), AppError> {
        if let Some(error) = seen.unread.get(&rule.rule) {
            return Err(error.clone());
        }
        let peaks = &mut self.peaks;
        let reached = match rule.rule.field() {
            RuleField::Incidents => return Ok(()),
            RuleField::Server => {
                reached_by_server(rule, &read_server(rule.rule, app, db, now).await?, peaks)
            }
            RuleField::Hosts if rule.rule.is_about_a_program() => {
                reached_by_program(app, rule, &seen.view, peaks).await?
            }
            RuleField::Hosts => reached_by_hosts(rule, &seen.readings, &seen.view, peaks),
        };
        if !rule.is_on {
            return Ok(());
        }
        let nobody = BTreeSet::new();
        let taken = seen.taken.get(&rule.rule).unwrap_or(&nobody);
        match self.watch.observe(rule, &reached, taken, now) {
            Some(step) => self.keep(db, rule, step, now).await,
            None => Ok(()),
        }
    }

    /// Reads what rules look at of hosts. Where something cannot be read, the rules that need it fail.
    async fn read_fleet(
        &mut self,
        app: &App,
        db: &mut PgConnection,
        begun: Timestamp,
        now: Timestamp,
    ) -> SeenFleet {
        let mut unread = BTreeMap::new();
        let since = earlier(now, HOUR);
        let limits = events::count_by_host(db, "Srv", &LIMIT_EVENTS, since).await;
        let limits = limits.unwrap_or_else(|error| {
            unread.insert(AlertRule::PoolLimit, error.into());
            Vec::new()
        });
        let failures = pool_failures::count_by_host(db, since).await.unwrap_or_else(|error| {
            unread.insert(AlertRule::PoolFailures, error.into());
            Vec::new()
        });
        let counts = EventCounts {
            limits: limits.into_iter().map(|(host, count, _)| (host, count)).collect(),
            failures: failures.into_iter().collect(),
        };
        if let Err(error) = self.read_shutdowns(db, now).await {
            unread.insert(AlertRule::HostSilent, error);
        }
        let view = app.fleet.view();
        let (readings, taken) = self.read_hosts(&view, &counts, begun, now);
        SeenFleet { view, readings, taken, unread }
    }

    /// Keeps what became of a rule's alert, with the message that follows, in one transaction.
    async fn keep(
        &mut self,
        db: &mut PgConnection,
        rule: &RuleSetting,
        step: AlertStep,
        now: Timestamp,
    ) -> Result<(), AppError> {
        let (hosts, count) = self.watch.hosts(rule);
        let on = (&hosts[..], count);
        let mut transaction = db.begin().await?;
        let ongoing = |id| Some(OngoingAlert { id, told_count: count, told: now });
        let kept = match step {
            AlertStep::Open => {
                let open =
                    AlertFilter { rule: Some(&rule.name), is_open: true, ..AlertFilter::default() };
                match alerts::list(&mut transaction, open, 1).await?.pop() {
                    // It was opened, and the database's answer was lost.
                    Some(Alert { id, told_count, told, .. }) => {
                        alerts::keep(&mut transaction, id, on, false, now).await?;
                        Some(Some(OngoingAlert { id, told_count, told }))
                    }
                    None => {
                        let id = alerts::open(&mut transaction, &rule.name, on, now).await?;
                        rule_alert::enqueue(&mut transaction, id, IncidentChange::Opened, now)
                            .await?;
                        Some(ongoing(id))
                    }
                }
            }
            AlertStep::Worsen(id) => {
                alerts::keep(&mut transaction, id, on, true, now).await?;
                rule_alert::enqueue(&mut transaction, id, IncidentChange::Worsened, now).await?;
                Some(ongoing(id))
            }
            AlertStep::Keep(id) => {
                alerts::keep(&mut transaction, id, on, false, now).await?;
                None
            }
            AlertStep::End(id, is_told) => {
                alerts::end(&mut transaction, id, now).await?;
                if is_told {
                    rule_alert::enqueue(&mut transaction, id, IncidentChange::Resolved, now)
                        .await?;
                }
                Some(None)
            }
        };
        transaction.commit().await?;
        if let Some(kept) = kept {
            info!(rule = rule.name, hosts = count, ?step, "Alert");
            self.watch.note(&rule.name, kept);
        }
        Ok(())
    }

    /// What rules look at of every host, and who is told of by an incident instead, by kind of rule.
    fn read_hosts(
        &mut self,
        view: &FleetView,
        counts: &EventCounts,
        begun: Timestamp,
        now: Timestamp,
    ) -> (Vec<HostReading>, BTreeMap<AlertRule, BTreeSet<HostId>>) {
        let of_incidents = |is_it: &dyn Fn(&Incident) -> bool| -> BTreeSet<HostId> {
            let incidents = view.incidents.iter().filter(|one| one.state.is_active());
            incidents.filter(|one| is_it(one)).flat_map(|one| one.hosts.iter().copied()).collect()
        };
        let of_pool = of_incidents(&|one| one.cause.pool().is_some());
        let taken = BTreeMap::from([
            (AlertRule::LowHeadroom, of_pool.clone()),
            (AlertRule::ManyHandles, of_pool.clone()),
            (AlertRule::PoolFailures, of_pool),
            (AlertRule::LowCommit, of_incidents(&tells_of_commit)),
            (
                AlertRule::HostSilent,
                of_incidents(&|one| matches!(one.cause, Cause::Silence { .. })),
            ),
        ]);
        self.growth.keep(|host| view.host(host).is_some());
        let shutdowns = &self.shutdowns;
        let growth = &mut self.growth;
        let mut reading = |host: &HostSummary| {
            let id = host.host.id;
            let (memory, presence) = (&host.memory, host.presence(now));
            let share = |pool| {
                let level = PoolLevel {
                    pool,
                    used: memory.of(pool),
                    ceiling: host.ceiling(pool),
                    physical: memory.physical,
                };
                level.share()
            };
            let pool_share = Pool::ALL.into_iter().filter_map(share).reduce(f64::max);
            let is_growing = host
                .top_process
                .as_ref()
                .is_some_and(|(_, pid, handles)| growth.note(id, *pid, *handles, now));
            let is_pressed = pool_share.is_some_and(|share| share >= PRESSED);
            let top = host.top_process.as_ref().filter(|_| is_growing && is_pressed);
            let is_heard = presence.reports() && !host.stale;
            let is_off = host
                .received
                .zip(shutdowns.get(&id))
                .is_some_and(|(heard, off)| heard.duration_since(*off) <= AFTER_SHUTDOWN);
            let since = |at: Timestamp| now.duration_since(at).as_secs().max(0).cast_unsigned();
            HostReading {
                pool_share: pool_share.filter(|_| is_heard),
                commit_share: memory
                    .committed
                    .zip(memory.commit_limit)
                    .filter(|_| is_heard)
                    .map(|(used, limit)| used.share_of(limit)),
                silent_s: match (presence, host.received) {
                    (Presence::Silent, Some(heard)) if !is_off => Some(since(heard.max(begun))),
                    _ => None,
                },
                late_s: host.at.filter(|_| is_heard).map(since),
                growing_handles: top.filter(|_| is_heard).map(|(_, _, handles)| *handles),
                limit_events: counts.limits.get(&id).copied().unwrap_or(0),
                pool_failures: counts.failures.get(&id).copied().unwrap_or(0),
            }
        };
        (view.hosts.iter().map(|host| reading(host)).collect(), taken)
    }

    /// Reads who was shut down or restarted by somebody: all at first, then what is new.
    async fn read_shutdowns(
        &mut self,
        db: &mut PgConnection,
        now: Timestamp,
    ) -> Result<(), AppError> {
        let oldest = earlier(now, SHUTDOWN_WITHIN);
        let since = self.shutdowns_read.map_or(oldest, |at| earlier(at, HOUR));
        for (host, _, at) in events::count_by_host(db, "User32", &[SHUTDOWN_EVENT], since).await? {
            let known = self.shutdowns.entry(host).or_insert(at);
            *known = at.max(*known);
        }
        self.shutdowns.retain(|_, at| *at >= oldest);
        self.shutdowns_read = Some(now);
        Ok(())
    }
}

/// Whether an incident says that commit runs out: by itself, or because a pool fills it.
fn tells_of_commit(incident: &Incident) -> bool {
    let headroom = incident.diagnosis.headroom;
    matches!(incident.cause, Cause::CommitExhausted { .. })
        || headroom.is_some_and(|headroom| headroom.bound == Bound::Commit)
}

fn earlier(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.saturating_sub(by).unwrap_or(Timestamp::MIN)
}

fn reached_by_server(
    rule: &RuleSetting,
    server: &ServerReading,
    peaks: &mut Peaks,
) -> Vec<(HostId, u64)> {
    let Some(value) = measure_server(rule.rule, server) else { return Vec::new() };
    peaks.note(rule, SERVER, value);
    if rule.is_reached(value) { vec![(SERVER, value)] } else { Vec::new() }
}

fn reached_by_hosts(
    rule: &RuleSetting,
    readings: &[HostReading],
    view: &FleetView,
    peaks: &mut Peaks,
) -> Vec<(HostId, u64)> {
    let floor = rule.rule.floor();
    let mut reached = Vec::new();
    for (reading, summary) in readings.iter().zip(&view.hosts) {
        let Some(value) = measure_host(rule.rule, reading).filter(|value| *value >= floor) else {
            continue;
        };
        let id = summary.host.id;
        let is_old = reading.silent_s.is_some_and(|silent_s| silent_s > SILENT_NOTED_S);
        if !is_old {
            peaks.note(rule, id, value);
        }
        if rule.is_reached(value) && is_in_scope(rule, view, summary) {
            reached.push((id, value));
        }
    }
    reached
}

fn is_in_scope(rule: &RuleSetting, view: &FleetView, summary: &HostSummary) -> bool {
    let host = &summary.host;
    rule.scope.is_all() || {
        let groups = group_names(&host.facts, &view.groups, &summary.groups);
        rule.scope.covers(&host.name, groups, host.facts.os.as_ref())
    }
}

/// Hosts on which a process of a rule's program has as many handles. Looks beside the threads that
/// answer requests.
async fn reached_by_program(
    app: &App,
    rule: &RuleSetting,
    view: &FleetView,
    peaks: &mut Peaks,
) -> Result<Vec<(HostId, u64)>, AppError> {
    let Some(program) = rule.program.clone() else { return Ok(Vec::new()) };
    let fleet = app.fleet.clone();
    let running = tokio::task::spawn_blocking(move || fleet.running(&program)).await;
    let mut reached = Vec::new();
    for one in running.map_err(AppError::internal)? {
        let value = u64::from(one.most_handles);
        peaks.note(rule, one.host, value);
        let summary = view.host(one.host);
        if rule.is_reached(value) && summary.is_some_and(|host| is_in_scope(rule, view, host)) {
            reached.push((one.host, value));
        }
    }
    Ok(reached)
}

/// What a rule looks at of the server itself.
async fn read_server(
    rule: AlertRule,
    app: &App,
    db: &mut PgConnection,
    now: Timestamp,
) -> Result<ServerReading, AppError> {
    let nothing = ServerReading::default();
    let settings = &app.settings;
    Ok(match rule {
        AlertRule::ServerDisk => {
            let space = settings.data_dir.as_deref().and_then(DiskSpace::read);
            ServerReading { disk_share: space.map(|space| space.used_share), ..nothing }
        }
        AlertRule::ServerDatabase => {
            let begun = Instant::now();
            db.ping().await?;
            let took = begun.elapsed().as_millis();
            ServerReading { database_ms: Some(took as u64), ..nothing }
        }
        AlertRule::ServerBacklog => {
            let oldest = deliveries::oldest_due(db, now).await?;
            let waits = |at| now.duration_since(at).as_secs().max(0).cast_unsigned();
            ServerReading { message_s: oldest.map(waits), ..nothing }
        }
        AlertRule::ServerHosts => {
            let view = app.fleet.view();
            let refused = refused_enrolments::count_new(db, earlier(now, HOUR)).await?;
            let odd_hosts = (view.capped() + view.damaged()) as u64 + refused;
            ServerReading { odd_hosts, ..nothing }
        }
        AlertRule::ServerCertificate => {
            let expires = settings.tls.as_ref().map(|tls| tls.state().expires);
            let days = expires.map(|at| whole_days(at.duration_since(now)));
            ServerReading { certificate_days: days, ..nothing }
        }
        _ => nothing,
    })
}

/// Whole days of a time that is left, 0 once none is.
fn whole_days(left: SignedDuration) -> u64 {
    left.as_secs().max(0).cast_unsigned() / 86_400
}

#[cfg(test)]
mod tests {
    use poolwatch_model::{
        Bytes,
        diagnosis::{Diagnosis, Headroom},
        incident::{IncidentId, IncidentState},
    };

    use super::*;

    #[test]
    fn a_pool_that_fills_commit_tells_of_it() {
        let pool = Pool::Paged;
        let incident = |bound| Incident {
            id: IncidentId(1),
            cause: Cause::PoolEmpty { host: HostId(1), pool },
            state: IncidentState::Growing,
            opened: Timestamp::UNIX_EPOCH,
            last_seen: Timestamp::UNIX_EPOCH,
            findings: 1,
            diagnosis: Diagnosis {
                headroom: Some(Headroom { pool, left: Bytes(0), bound }),
                ..Diagnosis::default()
            },
            hosts: vec![HostId(1)],
            worst: Some(HostId(1)),
        };
        assert!(tells_of_commit(&incident(Bound::Commit)));
        assert!(!tells_of_commit(&incident(Bound::MeasuredLimit)));
    }

    #[test]
    fn days_are_whole_and_none_are_left_of_what_is_over() {
        let hours = |hours| whole_days(SignedDuration::from_hours(hours));
        assert_eq!([hours(14 * 24), hours(23), hours(0), hours(-48)], [14, 0, 0, 0]);
    }
}
