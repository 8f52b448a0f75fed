//! `admin`: users and tokens, hosts and the rules that approve them.

mod call;
mod hosts;

use std::{fs, io, path::Path};

use anyhow::{Context, bail};
use jiff::{SignedDuration, Timestamp};
use poolwatch_model::{
    Clock,
    person::{Role, Scope},
};
use poolwatch_store::{
    approval_rules::{self, RuleConditions},
    audit::{self, AuditEntry, Outcome},
    people,
    tokens::{self, NewApiToken},
};
use sqlx::PgConnection;

use crate::{
    auth::{passwords, secrets},
    cli::{AdminCommand, AdminOptions, TokenCommand},
    clock::SystemClock,
    database::Database,
    enrolment::{
        rules,
        tokens::{self as enrolment_tokens, WantedToken},
    },
};

pub(crate) async fn run(options: AdminOptions) -> anyhow::Result<()> {
    match options.command {
        AdminCommand::CreateUser { database, email, name, role, password_file } => {
            let password = read_password(password_file.as_deref())?;
            let database = Database::open(&database).await?;
            let created = create_user(&database, &email, &name, role, &password).await;
            database.close(false).await?;
            created
        }
        AdminCommand::CreateToken { token } => create_token(token).await,
        AdminCommand::Call { database, public_url, method, path, body } => {
            call::run(&database, public_url, &method, &path, body).await
        }
        AdminCommand::Hosts(command) => hosts::run(command).await,
    }
}

/// Who decides on the command line, as the console tells it.
const BY: &str = "command line";

async fn create_user(
    database: &Database,
    email: &str,
    name: &str,
    role: Role,
    password: &str,
) -> anyhow::Result<()> {
    let hash = passwords::hash(password)?;
    let mut db = database.pool.begin().await?;
    let id = people::create_user(&mut db, email, name, role, &hash, SystemClock.now()).await?;
    if id.is_none() {
        bail!("there is a user {email} already");
    }
    record(&mut db, "create person", email, role.as_str()).await?;
    db.commit().await?;
    eprintln!("Made user {email} with role {role}");
    Ok(())
}

fn read_password(file: Option<&Path>) -> anyhow::Result<String> {
    let text = match file {
        Some(file) => fs::read_to_string(file).with_context(|| file.display().to_string())?,
        None => {
            let mut line = String::new();
            io::stdin().read_line(&mut line).context("reading the password")?;
            line
        }
    };
    let password = text.trim_end_matches(['\r', '\n']).to_owned();
    if password.chars().count() < passwords::MIN_CHARACTERS {
        bail!(
            "a password has at least {} characters; give it as a line on standard input or by \
             --password-file",
            passwords::MIN_CHARACTERS
        );
    }
    Ok(password)
}

async fn create_token(token: TokenCommand) -> anyhow::Result<()> {
    let now = SystemClock.now();
    // The prefix tells a person, and tools that look for leaked secrets, what it is.
    let (text, database) = match token {
        TokenCommand::Enrolment {
            database,
            name,
            auto_approve,
            expires_days,
            max_uses,
            per_minute,
        } => {
            let wanted = WantedToken {
                name,
                days: expires_days,
                max_uses,
                per_minute,
                ..WantedToken::default()
            };
            let database = Database::open(&database).await?;
            let mut db = database.pool.begin().await?;
            let (id, text) = enrolment_tokens::make(&mut db, &wanted, BY, now).await?;
            if auto_approve {
                let conditions = RuleConditions { token: Some(id), ..RuleConditions::default() };
                let name = format!("Hosts of token {}", wanted.name);
                approval_rules::create(&mut db, &name, &conditions, BY, rules::MOST, now)
                    .await?
                    .ok_or_else(rules::too_many)?;
            }
            record(&mut db, "create enrolment token", &wanted.name, "").await?;
            db.commit().await?;
            (text, database)
        }
        TokenCommand::Api { database, name, role, expires_days } => {
            let text = format!("pwa_{}", secrets::generate()?);
            let database = Database::open(&database).await?;
            let mut db = database.pool.begin().await?;
            let after = |days| now.saturating_add(SignedDuration::from_hours(i64::from(days) * 24));
            let expires: Option<Timestamp> = expires_days.map(after).transpose()?;
            let new = NewApiToken {
                name: &name,
                role,
                scope: Scope::WholeFleet,
                user: None,
                created_by: BY,
                expires,
            };
            let made = tokens::create_api(&mut db, new, &secrets::hash(&text), now).await?;
            made.context("services have as many tokens as are kept: revoke some first")?;
            record(&mut db, "create API token", &name, role.as_str()).await?;
            db.commit().await?;
            (text, database)
        }
    };
    println!("{text}");
    database.close(false).await
}

/// Writes into the audit log what was done here, in the transaction that did it.
async fn record(
    db: &mut PgConnection,
    action: &str,
    target: &str,
    detail: &str,
) -> anyhow::Result<()> {
    let entry = AuditEntry {
        at: SystemClock.now(),
        actor: "command line".into(),
        address: String::new(),
        action: action.into(),
        target: target.into(),
        outcome: Outcome::Done,
        detail: detail.into(),
        request_id: String::new(),
    };
    audit::add(db, &entry).await?;
    Ok(())
}
