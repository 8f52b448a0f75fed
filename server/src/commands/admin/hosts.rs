//! `admin`: decisions about hosts, rules and enrolment tokens. A server that runs follows within a
//! second.

use anyhow::{bail, ensure};
use poolwatch_model::{Clock, HostId};
use poolwatch_store::{
    approval_rules::{self, RuleConditions},
    enrolment, enrolment_tokens,
};

use super::{BY, record};
use crate::{
    cli::{DatabaseOptions, HostCommand, HostNumbers},
    clock::SystemClock,
    database::Database,
    enrolment::{decisions, rules},
};

/// Tokens that are listed.
const TOKENS: i64 = 1_000;

pub(super) async fn run(command: HostCommand) -> anyhow::Result<()> {
    match command {
        HostCommand::ListHosts { database, standing } => {
            let database = Database::open(&database).await?;
            let mut db = database.pool.acquire().await?;
            let hosts =
                enrolment::list(&mut db, Some(standing.into()), None, None, enrolment::LISTED)
                    .await?;
            for host in hosts {
                let address = host.address.map(|address| address.to_string()).unwrap_or_default();
                let token = host.token.map(|(_, name)| name).unwrap_or_default();
                println!(
                    "{}\t{}\t{address}\t{token}\t{}",
                    host.id, host.facts.fqdn, host.enrolled_at
                );
            }
            drop(db);
            database.close(false).await
        }
        HostCommand::ApproveHost(hosts) => decide(hosts, Decided::Approved).await,
        HostCommand::RefuseHost(hosts) => decide(hosts, Decided::Refused).await,
        HostCommand::ArchiveHost(hosts) => decide(hosts, Decided::Archived).await,
        HostCommand::RestoreHost(hosts) => decide(hosts, Decided::Restored).await,
        HostCommand::DeleteHost(hosts) => decide(hosts, Decided::Deleted).await,
        HostCommand::CreateRule { database, name, host_name, domain, address_range, token } => {
            let name = rules::checked_name(&name)?;
            let written = RuleConditions { name_pattern: host_name, domain, address_range, token };
            let conditions = rules::checked(written)?;
            let database = Database::open(&database).await?;
            let mut db = database.pool.begin().await?;
            let now = SystemClock.now();
            let id = approval_rules::create(&mut db, &name, &conditions, BY, rules::MOST, now)
                .await?
                .ok_or_else(rules::too_many)?;
            record(&mut db, "create approval rule", &name, "").await?;
            let approved = decisions::approve_by_rules(&mut db, now).await?.len();
            db.commit().await?;
            eprintln!("Made rule {id}: {approved} hosts that waited are approved");
            database.close(false).await
        }
        HostCommand::ListRules(database) => list_rules(&database).await,
        HostCommand::DeleteRule { database, id } => {
            let database = Database::open(&database).await?;
            let mut db = database.pool.begin().await?;
            let deleted = approval_rules::delete(&mut db, id).await?;
            if deleted {
                record(&mut db, "delete approval rule", &id.to_string(), "").await?;
            }
            db.commit().await?;
            database.close(false).await?;
            ensure!(deleted, "there is no rule {id}");
            Ok(())
        }
        HostCommand::ListTokens(database) => list_tokens(&database).await,
        HostCommand::RevokeToken { database, id } => {
            let database = Database::open(&database).await?;
            let mut db = database.pool.begin().await?;
            let revoked = enrolment_tokens::revoke(&mut db, id, SystemClock.now()).await?;
            if revoked {
                record(&mut db, "revoke enrolment token", &id.to_string(), "").await?;
            }
            db.commit().await?;
            database.close(false).await?;
            ensure!(revoked, "token {id} does not exist or was revoked before");
            Ok(())
        }
    }
}

/// What became of hosts.
#[derive(Debug, Clone, Copy)]
enum Decided {
    Approved,
    Refused,
    Archived,
    Restored,
    Deleted,
}

impl Decided {
    /// As the audit log names it.
    const fn action(self) -> &'static str {
        match self {
            Self::Approved => "approve host",
            Self::Refused => "refuse host",
            Self::Archived => "archive host",
            Self::Restored => "restore host",
            Self::Deleted => "delete host",
        }
    }

    const fn sentence(self) -> &'static str {
        match self {
            Self::Approved => "Approved: its agent sends what it kept within five minutes",
            Self::Refused => "Refused: its agent is told so when it asks again",
            Self::Archived => "Archived: what it sends is refused from now on",
            Self::Restored => "Restored: its agent sends what it kept within an hour",
            Self::Deleted => "Deleted: what it sent goes when it is old",
        }
    }
}

async fn decide(hosts: HostNumbers, decided: Decided) -> anyhow::Result<()> {
    let ids: Vec<HostId> = hosts.ids.iter().copied().map(HostId).collect();
    let database = Database::open(&hosts.database).await?;
    let (mut db, now) = (database.pool.begin().await?, SystemClock.now());
    let done = match decided {
        Decided::Approved => enrolment::approve(&mut db, &ids, BY, None, now).await?,
        Decided::Refused => enrolment::refuse(&mut db, &ids, BY, now).await?,
        Decided::Archived => enrolment::archive(&mut db, &ids, BY, now).await?,
        Decided::Restored => enrolment::restore(&mut db, &ids, BY).await?,
        Decided::Deleted => enrolment::delete(&mut db, &ids).await?,
    };
    for id in &done {
        record(&mut db, decided.action(), &id.to_string(), "").await?;
    }
    db.commit().await?;
    database.close(false).await?;
    for id in &done {
        eprintln!("Host {id}. {}", decided.sentence());
    }
    let left: Vec<String> =
        ids.iter().filter(|id| !done.contains(id)).map(ToString::to_string).collect();
    if !left.is_empty() {
        bail!("nothing was changed of {}: no such host, or it stands otherwise", left.join(", "));
    }
    Ok(())
}

async fn list_rules(database: &DatabaseOptions) -> anyhow::Result<()> {
    let database = Database::open(database).await?;
    for rule in approval_rules::list(&mut *database.pool.acquire().await?).await? {
        let conditions = rule.conditions;
        let token = rule.token_name.map(|token| format!("token {token}"));
        let asked = [conditions.name_pattern, conditions.domain, conditions.address_range, token];
        let asked: Vec<String> = asked.into_iter().flatten().collect();
        println!("{}\t{}\t{}\t{} hosts", rule.id, rule.name, asked.join(", "), rule.approved);
    }
    database.close(false).await
}

async fn list_tokens(database: &DatabaseOptions) -> anyhow::Result<()> {
    let database = Database::open(database).await?;
    let now = SystemClock.now();
    for token in enrolment_tokens::list(&mut *database.pool.acquire().await?, TOKENS).await? {
        let state = if token.ended(now).is_some() { "ended" } else { "valid" };
        println!("{}\t{}\t{state}\t{} hosts", token.id, token.name, token.uses);
    }
    database.close(false).await
}
