//! What the server looks at of itself: for `/readyz`, `/metrics`, the log and the page This server.

use std::{
    collections::HashMap,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use jiff::{SignedDuration, Timestamp};
use poolwatch_store::{
    StoreError,
    check::find_damaged_documents,
    deliveries, schema,
    self_check::{self as store, OpenJobs},
};
use poolwatch_web::settings::server::{CheckState, SelfCheck};
use sqlx::PgConnection;
use tokio::time::timeout;
use tracing::{info, warn};

use crate::{
    app::{App, SharedApp},
    database::later_schema_words,
    disk_space::DiskSpace,
    jobs,
    judging::record::is_lifecycle,
    mail_server, metrics, tls,
};

/// What was found counts for so long.
const COUNTS_FOR: Duration = Duration::from_secs(2);
/// Rows that cannot be read are looked for anew after this.
const ROWS_COUNT_FOR: Duration = Duration::from_secs(600);
/// How often the server looks by itself.
const EVERY: Duration = Duration::from_secs(10);
/// How long the database may take to answer all that it is asked.
const ANSWER: Duration = Duration::from_secs(3);
/// Shares of a disk in use that are warned of, and that are as good as full.
const DISK: [f64; 2] = [0.90, 0.98];
/// Differences of the clocks of server and database that are warned of, and that keep old data from
/// going.
const CLOCK: [SignedDuration; 2] = [SignedDuration::from_secs(10), SignedDuration::from_mins(10)];
/// How late jobs are that are warned of, and that are far behind.
const JOBS: [SignedDuration; 2] = [SignedDuration::from_hours(1), SignedDuration::from_hours(6)];
/// How long messages wait that are warned of.
const MESSAGES: SignedDuration = SignedDuration::from_mins(15);
/// Who was refused in this time is counted.
const REFUSED: SignedDuration = SignedDuration::from_hours(1);

/// Whether the server can take what hosts send, and answer people.
#[must_use]
pub fn is_ready(checks: &[SelfCheck]) -> bool {
    let needed = |check: &SelfCheck| matches!(check.name, "database" | "writes");
    !checks.iter().any(|check| needed(check) && check.state == CheckState::Failed)
}

/// What is found now, or was within the last two seconds: whoever asks meanwhile waits for one answer.
pub async fn run_checks(app: &App) -> Arc<Vec<SelfCheck>> {
    let mut last = app.self_checks.lock().await;
    if let Some((at, checks)) = &*last
        && at.elapsed() < COUNTS_FOR
    {
        return checks.clone();
    }
    let checks = Arc::new(find(app).await);
    for check in &*checks {
        metrics::self_check(check.name, check.state as u8);
    }
    *last = Some((Instant::now(), checks.clone()));
    checks
}

/// Looks again and again, and logs what changes, for ever.
pub(crate) async fn watch(app: SharedApp) {
    let mut known: HashMap<&'static str, CheckState> = HashMap::new();
    loop {
        for check in &*run_checks(&app).await {
            let before = known.insert(check.name, check.state).unwrap_or(CheckState::Good);
            let (name, state, words) = (check.name, check.state.as_str(), &check.words);
            if check.state > before {
                warn!(check = name, state, "{words}");
            } else if check.state < before {
                info!(check = name, state, "{words}");
            }
        }
        tokio::time::sleep(EVERY).await;
    }
}

fn check(name: &'static str, state: CheckState, words: impl Into<String>) -> SelfCheck {
    SelfCheck { name, state, words: words.into() }
}

/// A state by how far a value goes beyond two marks.
fn state_of<T: PartialOrd>(value: &T, marks: &[T; 2]) -> CheckState {
    match value {
        value if *value >= marks[1] => CheckState::Failed,
        value if *value >= marks[0] => CheckState::Warning,
        _ => CheckState::Good,
    }
}

async fn find(app: &App) -> Vec<SelfCheck> {
    let now = app.clock.now();
    let begun = Instant::now();
    let asked = async {
        let mut db = app.pool.acquire().await.map_err(StoreError::from)?;
        ask_database(&mut db, app, now).await
    };
    let mut checks = match timeout(ANSWER, asked).await {
        Ok(Ok(checks)) => checks,
        Ok(Err(error)) => vec![database_away(&error.to_string())],
        Err(_) => vec![database_away(&format!("no answer within {:?}", begun.elapsed()))],
    };
    if let Some(folder) = &app.settings.data_dir {
        checks.extend(check_disk(folder));
    }
    checks.extend(check_certificate(app, now));
    checks.push(check_uploads(app));
    checks.push(check_rules(app));
    checks.push(check_refusals(app, now));
    checks.push(check_configuration(app));
    checks
}

fn database_away(why: &str) -> SelfCheck {
    warn!(why, "The database does not answer");
    check(
        "database",
        CheckState::Failed,
        "The database does not answer. Agents keep what they have; the log says why.",
    )
}

/// All that the database is asked.
async fn ask_database(
    db: &mut PgConnection,
    app: &App,
    now: Timestamp,
) -> Result<Vec<SelfCheck>, StoreError> {
    let begun = Instant::now();
    let (open, most) = store::connections(db).await?;
    let took = begun.elapsed().as_millis();
    let own = app.pool.size() + app.background_pool.size();
    let mut checks = vec![check(
        "database",
        state_of(&f64::from(open), &[f64::from(most) * 0.9, f64::INFINITY]),
        format!("Answers in {took} ms; {own} connections of this server, {open} of {most} in all."),
    )];
    let found = schema::inspect(db).await?;
    checks.push(match later_schema_words(&found) {
        Some(words) => check("schema", CheckState::Warning, words),
        None => check("schema", CheckState::Good, "As this version made it."),
    });
    checks.extend(check_writes(db, app, now).await);
    checks.push(check_jobs(&store::open_jobs(db).await?, now));
    checks.push(check_messages(db, app, now).await?);
    checks.push(check_rows(db, app).await?);
    Ok(checks)
}

/// Whether the database takes writes; and if so, how its clock differs.
async fn check_writes(db: &mut PgConnection, app: &App, now: Timestamp) -> Vec<SelfCheck> {
    let at = match store::probe_write(db).await {
        Ok(at) if app.writer.can_store() => at,
        Ok(_) => {
            let words = "What hosts send cannot be stored: the log says why.";
            return vec![check("writes", CheckState::Failed, words)];
        }
        Err(error) => {
            warn!(%error, "The database takes no writes");
            let words = "The database takes no writes: its disk is full, or it is a standby. Agents \
                         keep what they have; the log says why.";
            return vec![check("writes", CheckState::Failed, words)];
        }
    };
    let difference = at.duration_since(now).abs();
    let state = state_of(&difference, &CLOCK);
    let words = match state {
        CheckState::Good => "Server and database agree.".to_owned(),
        _ => format!(
            "The clocks of server and database differ by {} s: set both by NTP. Beyond ten minutes \
             nothing is deleted for its age.",
            difference.as_secs()
        ),
    };
    vec![
        check("writes", CheckState::Good, "The database takes writes."),
        check("clock", state, words),
    ]
}

fn check_jobs(open: &[OpenJobs], now: Timestamp) -> SelfCheck {
    let lateness = |jobs: &OpenJobs| now.duration_since(jobs::due_at(&jobs.kind, jobs.oldest));
    let latest = open.iter().max_by_key(|jobs| lateness(jobs));
    let late = latest.map_or(SignedDuration::ZERO, lateness);
    metrics::job_lag(late.as_secs().max(0).cast_unsigned());
    let state = state_of(&late, &JOBS);
    let words = match latest.filter(|_| state > CheckState::Good) {
        None => "Chunks, retention and the like are done in time.".to_owned(),
        Some(jobs) => {
            let failed = match &jobs.last_error {
                Some(_) => "; the last attempt failed, and the log says why",
                None => "",
            };
            let (kind, count) = (&jobs.kind, jobs.count);
            format!("{kind} is {} min behind, {count} to do{failed}.", late.as_mins())
        }
    };
    check("jobs", state, words)
}

/// Rows that cannot be read, as they were looked for within the last ten minutes.
async fn check_rows(db: &mut PgConnection, app: &App) -> Result<SelfCheck, StoreError> {
    let mut last = app.damaged_rows.lock().await;
    let damaged = match &*last {
        Some((at, damaged)) if at.elapsed() < ROWS_COUNT_FOR => damaged.clone(),
        _ => {
            let damaged = find_damaged_documents(db, is_lifecycle).await?;
            last.insert((Instant::now(), damaged)).1.clone()
        }
    };
    Ok(match damaged.first() {
        None => check("rows", CheckState::Good, "What is read again and again can be read."),
        Some(row) => check(
            "rows",
            CheckState::Failed,
            format!(
                "{} rows cannot be read and are left out, the first of them row {} of {}: \
                 `poolwatch-server check` lists them, `--repair` repairs them.",
                damaged.len(),
                row.id,
                row.table
            ),
        ),
    })
}

async fn check_messages(
    db: &mut PgConnection,
    app: &App,
    now: Timestamp,
) -> Result<SelfCheck, StoreError> {
    let has_server = app.settings.mail_server.is_some()
        || matches!(mail_server::load(db, &app.sealing_key).await, Ok(Some(_)));
    let (waiting, given_up) = deliveries::count_unsent(db).await?;
    let oldest = deliveries::oldest_due(db, now).await?;
    let waits = oldest.map_or(SignedDuration::ZERO, |at| now.duration_since(at));
    let queue = format!("{waiting} messages wait, {given_up} were given up.");
    Ok(match (has_server, waits >= MESSAGES) {
        (false, _) => check(
            "mail",
            CheckState::Warning,
            format!("No mail server is set that can be used: mails reach nobody. {queue}"),
        ),
        (true, true) => check(
            "mail",
            CheckState::Warning,
            format!("A message has waited for {} min. {queue}", waits.as_mins()),
        ),
        (true, false) => check("mail", CheckState::Good, queue),
    })
}

/// How full the disk of the data folder is; none where that cannot be told.
fn check_disk(folder: &Path) -> Option<SelfCheck> {
    let DiskSpace { used_share, free_bytes } = DiskSpace::read(folder)?;
    metrics::data_disk(free_bytes);
    let state = state_of(&used_share, &DISK);
    let words = format!(
        "The disk of {} is {:.0} % full, {} MB are free.{}",
        folder.display(),
        used_share * 100.0,
        free_bytes >> 20,
        if state == CheckState::Good { "" } else { " Make room, or keep less (Retention)." },
    );
    Some(check("disk", state, words))
}

fn check_certificate(app: &App, now: Timestamp) -> Option<SelfCheck> {
    let state = app.settings.tls.as_ref()?.state();
    metrics::certificate(state.expires.as_second());
    let expiry = tls::expiry_words(state.expires, now);
    Some(match (expiry, state.trouble) {
        (Some(words), _) if state.expires <= now => check("certificate", CheckState::Failed, words),
        (_, Some(trouble)) => check(
            "certificate",
            CheckState::Warning,
            format!("The file cannot be used, and the one of before still is: {trouble}"),
        ),
        (Some(words), None) => check("certificate", CheckState::Warning, words),
        (None, None) => {
            check("certificate", CheckState::Good, format!("It is valid until {}.", state.expires))
        }
    })
}

fn check_uploads(app: &App) -> SelfCheck {
    let (waiting, most) = app.writer.queued_uploads();
    let state = state_of(&(waiting as f64), &[most as f64 / 2.0, f64::INFINITY]);
    check("uploads", state, format!("{waiting} uploads of {most} wait to be stored."))
}

fn check_rules(app: &App) -> SelfCheck {
    let failing = app.rule_failures.list();
    match failing.is_empty() {
        true => check("rules", CheckState::Good, "All rules are looked after."),
        false => {
            let words = format!(
                "Nobody is told by these rules, for they cannot be looked after: {}. The log says why.",
                failing.join(", ")
            );
            check("rules", CheckState::Failed, words)
        }
    }
}

fn check_refusals(app: &App, now: Timestamp) -> SelfCheck {
    let since = now.saturating_sub(REFUSED).unwrap_or(now);
    let refused = app.refusals.list().iter().filter(|refusal| refusal.last >= since).count();
    let words = match refused {
        0 => "Nobody was refused within the last hour.".to_owned(),
        1 => "One host, person or address was refused within the last hour.".to_owned(),
        refused => {
            format!("{refused} hosts, people or addresses were refused within the last hour.")
        }
    };
    check("refused", CheckState::Good, words)
}

fn check_configuration(app: &App) -> SelfCheck {
    let warnings = &app.settings.configuration.warnings;
    match warnings.is_empty() {
        true => check("configuration", CheckState::Good, "Nothing contradicts."),
        false => check("configuration", CheckState::Warning, warnings.join(" ")),
    }
}
