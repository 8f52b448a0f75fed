//! The identity provider that people sign in by (OpenID Connect): named on the command line, or set by the
//! console and kept with its secret sealed.

mod flow;

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use anyhow::Context;
use jiff::Timestamp;
use poolwatch_model::{
    HostGroupId,
    person::{Role, Scope},
};
use poolwatch_store::{
    host_groups,
    settings::{self, Setting},
};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

pub use flow::{Authorization, ProviderError, ProviderIdentity};

use crate::auth::sealing::SealingKey;

/// Name of the setting, and what its secret is sealed for.
const NAME: &str = "identity provider";
/// What the provider says of itself is asked for anew after this.
const FRESH: Duration = Duration::from_secs(300);
/// Rules at most.
const RULES: usize = 200;
/// Bytes of a text at most.
const TEXT_BYTES: usize = 2_000;

/// An identity provider, and what its groups may do here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignInProvider {
    /// Its address, by which it names itself (`https://login.microsoftonline.com/TENANT/v2.0`).
    pub issuer: String,
    /// As what this server is known to it.
    pub client_id: String,
    /// What it shares with this server; none for a public client.
    pub secret: Option<String>,
    /// What it is asked for beside `openid`, with spaces between.
    pub scopes: String,
    /// The claim that holds a person's groups or roles.
    pub groups_claim: String,
    /// Who may do what; of several the greatest role counts.
    pub rules: Vec<ClaimRule>,
}

/// What a person may do who has a group or role at the provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimRule {
    /// The group or role, as the claim names it.
    pub value: String,
    /// What the person may do.
    pub role: Role,
    /// The groups of hosts that the person sees; `None` for all hosts.
    pub groups: Option<Vec<HostGroupId>>,
}

/// A provider as it is kept.
#[derive(Debug, Serialize, Deserialize)]
struct KeptProvider {
    issuer: String,
    client_id: String,
    sealed_secret: String,
    scopes: String,
    groups_claim: String,
    rules: Vec<ClaimRule>,
}

impl SignInProvider {
    /// What a person may do, and whose hosts they see; `None` when no rule knows them.
    #[must_use]
    pub fn role_of(&self, values: &[String]) -> Option<(Role, Scope)> {
        let met = || self.rules.iter().filter(|rule| values.contains(&rule.value));
        let role = met().map(|rule| rule.role).max()?;
        let of_role: Vec<&ClaimRule> = met().filter(|rule| rule.role == role).collect();
        let is_whole = role == Role::Admin || of_role.iter().any(|rule| rule.groups.is_none());
        let scope = match is_whole {
            true => Scope::WholeFleet,
            false => Scope::of_groups(
                of_role.iter().flat_map(|rule| rule.groups.iter().flatten().copied()),
            ),
        };
        Some((role, scope))
    }

    /// What somebody typed, checked.
    ///
    /// # Errors
    /// Why it is not taken.
    pub fn checked(self) -> Result<Self, String> {
        let text = |text: &str| text.trim().to_owned();
        let provider = Self {
            issuer: text(&self.issuer),
            client_id: text(&self.client_id),
            secret: self.secret.filter(|secret| !secret.is_empty()),
            scopes: text(&self.scopes),
            groups_claim: match self.groups_claim.trim() {
                "" => "groups".to_owned(),
                claim => claim.to_owned(),
            },
            rules: self.rules,
        };
        let Self { issuer, client_id, scopes, groups_claim, rules, .. } = &provider;
        let url: Option<reqwest::Url> = issuer.parse().ok();
        let is_local =
            |host: Option<&str>| matches!(host, Some("localhost" | "127.0.0.1" | "[::1]"));
        let is_safe = url.is_some_and(|url| {
            url.scheme() == "https" || (url.scheme() == "http" && is_local(url.host_str()))
        });
        if !is_safe {
            return Err("The provider's address begins with https://.".to_owned());
        }
        if client_id.is_empty() {
            return Err("The provider knows this server by a client ID.".to_owned());
        }
        let texts = [issuer, client_id, scopes, groups_claim];
        let values = rules.iter().map(|rule| &rule.value);
        let is_bad = |text: &&String| text.len() > TEXT_BYTES || text.chars().any(char::is_control);
        if texts.into_iter().chain(values).any(|text| is_bad(&text)) {
            return Err(format!(
                "A text has at most {TEXT_BYTES} bytes, without control characters."
            ));
        }
        if rules.is_empty() || rules.len() > RULES || rules.iter().any(|rule| rule.value.is_empty())
        {
            return Err(format!(
                "Say in 1 to {RULES} lines what groups may do: `Poolwatch admins = admin`."
            ));
        }
        Ok(provider)
    }
}

/// One rule as it is written on a line: `group = role`, or `group = role : 3, 4` with numbers of groups of
/// hosts.
///
/// # Errors
/// Why it is none.
pub fn parse_rule(line: &str) -> Result<ClaimRule, String> {
    let bad = || format!("{line:?} is no rule: write `group = viewer`, operator or admin.");
    let (value, what) = line.rsplit_once('=').ok_or_else(bad)?;
    let (role, groups) = match what.split_once(':') {
        Some((role, groups)) => (role, Some(groups)),
        None => (what, None),
    };
    let numbers = groups.map(|groups| {
        let numbers = groups.split(',').map(|number| number.trim().parse().map(HostGroupId));
        numbers.collect::<Result<Vec<HostGroupId>, _>>().map_err(|_| {
            format!("{line:?}: groups of hosts are named by their numbers, with commas between.")
        })
    });
    Ok(ClaimRule {
        value: value.trim().to_owned(),
        role: role.trim().parse().map_err(|_| bad())?,
        groups: numbers.transpose()?,
    })
}

/// A rule as [`parse_rule`] reads it.
#[must_use]
pub fn rule_line(rule: &ClaimRule) -> String {
    let groups = rule.groups.as_ref().map(|groups| {
        let numbers: Vec<String> = groups.iter().map(|group| group.0.to_string()).collect();
        format!(" : {}", numbers.join(", "))
    });
    format!("{} = {}{}", rule.value, rule.role, groups.unwrap_or_default())
}

/// The provider that the console set.
///
/// # Errors
/// When the database fails, or the secret was sealed by another key.
pub async fn load(
    db: &mut PgConnection,
    key: &SealingKey,
) -> anyhow::Result<Option<(SignInProvider, Setting)>> {
    let Some(setting) = settings::get(db, NAME).await? else { return Ok(None) };
    let kept: KeptProvider = serde_json::from_value(setting.value.clone())?;
    let secret = match kept.sealed_secret.as_str() {
        "" => None,
        sealed => {
            let opened = hex::decode(sealed).ok().and_then(|sealed| key.open_sealed(NAME, &sealed));
            let opened = opened.and_then(|opened| String::from_utf8(opened).ok());
            Some(opened.context(
                "the identity provider's secret was sealed by another key than the one in the data \
                 folder: type it again under Settings, Sign-in",
            )?)
        }
    };
    let provider = SignInProvider {
        issuer: kept.issuer,
        client_id: kept.client_id,
        secret,
        scopes: kept.scopes,
        groups_claim: kept.groups_claim,
        rules: kept.rules,
    };
    Ok(Some((provider, setting)))
}

/// Keeps a provider that was checked, or none.
///
/// # Errors
/// When the database fails.
async fn save(
    db: &mut PgConnection,
    key: &SealingKey,
    provider: Option<SignInProvider>,
    by: &str,
    now: Timestamp,
) -> anyhow::Result<()> {
    let Some(provider) = provider else { return Ok(settings::forget(db, NAME).await?) };
    let sealed_secret = match provider.secret {
        Some(secret) => hex::encode(key.seal(NAME, secret.as_bytes())?),
        None => String::new(),
    };
    let kept = KeptProvider {
        issuer: provider.issuer,
        client_id: provider.client_id,
        sealed_secret,
        scopes: provider.scopes,
        groups_claim: provider.groups_claim,
        rules: provider.rules,
    };
    settings::set(db, NAME, &serde_json::to_value(&kept)?, by, now).await?;
    Ok(())
}

/// Keeps another provider in place of the one of before; one without an address takes that away. Without
/// a secret, the one that is kept for the same provider and client stays. Returns what is kept, in words,
/// or why it is not taken.
///
/// # Errors
/// When the database fails.
pub async fn replace(
    db: &mut PgConnection,
    key: &SealingKey,
    wanted: SignInProvider,
    by: &str,
    now: Timestamp,
) -> anyhow::Result<Result<String, String>> {
    if wanted.issuer.trim().is_empty() {
        save(db, key, None, by, now).await?;
        return Ok(Ok("none".to_owned()));
    }
    let mut provider = match wanted.checked() {
        Ok(provider) => provider,
        Err(error) => return Ok(Err(error)),
    };
    // A secret that cannot be opened any more is none.
    let old = load(db, key).await.ok().flatten().map(|(old, _)| old);
    let is_same = |old: &SignInProvider| {
        (&old.issuer, &old.client_id) == (&provider.issuer, &provider.client_id)
    };
    let kept = old.filter(is_same).and_then(|old| old.secret);
    provider.secret = provider.secret.or(kept);
    let known = host_groups::list(db).await?;
    let is_known = |id: &&HostGroupId| known.iter().any(|group| group.id == **id);
    let mut named = provider.rules.iter().flat_map(|rule| rule.groups.iter().flatten());
    if let Some(missing) = named.find(|id| !is_known(id)) {
        return Ok(Err(format!("There is no group of hosts {}.", missing.0)));
    }
    let lines: Vec<String> = provider.rules.iter().map(rule_line).collect();
    let words = format!("{}: {}", provider.issuer, lines.join("; "));
    save(db, key, Some(provider), by, now).await?;
    Ok(Ok(words))
}

/// What a provider said of itself lately.
#[derive(Debug, Default)]
pub struct ProviderCache(Mutex<Option<(String, Instant, Arc<flow::Metadata>)>>);

impl ProviderCache {
    fn get(&self, issuer: &str) -> Option<Arc<flow::Metadata>> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_current = |known: &&(String, Instant, Arc<flow::Metadata>)| {
            known.0 == issuer && known.1.elapsed() < FRESH
        };
        known.as_ref().filter(is_current).map(|(_, _, metadata)| metadata.clone())
    }

    fn put(&self, issuer: &str, metadata: Arc<flow::Metadata>) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *known = Some((issuer.to_owned(), Instant::now(), metadata));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn provider(rules: &[&str]) -> SignInProvider {
        SignInProvider {
            issuer: "https://id.example.com".into(),
            client_id: "poolwatch".into(),
            secret: None,
            scopes: "email profile".into(),
            groups_claim: String::new(),
            rules: rules.iter().map(|rule| parse_rule(rule).unwrap()).collect(),
        }
    }

    #[test]
    fn of_several_groups_the_greatest_role_counts_with_what_it_sees() {
        let provider = provider(&[
            "everybody = viewer",
            "berlin = operator : 3, 4",
            "CN=paris,DC=corp = operator: 5",
            "ops = operator",
            "admins = admin:9",
        ]);
        let role = |values: &[&str]| {
            provider.role_of(&values.iter().map(|value| (*value).to_owned()).collect::<Vec<_>>())
        };
        let groups = |numbers: &[i32]| Scope::of_groups(numbers.iter().copied().map(HostGroupId));
        assert_eq!(role(&["nobody"]), None);
        assert_eq!(role(&["everybody"]), Some((Role::Viewer, Scope::WholeFleet)));
        assert_eq!(role(&["everybody", "berlin"]), Some((Role::Operator, groups(&[3, 4]))));
        assert_eq!(
            role(&["berlin", "CN=paris,DC=corp"]),
            Some((Role::Operator, groups(&[3, 4, 5])))
        );
        assert_eq!(role(&["berlin", "ops"]), Some((Role::Operator, Scope::WholeFleet)));
        assert_eq!(role(&["berlin", "admins"]), Some((Role::Admin, Scope::WholeFleet)));
    }

    #[test]
    fn what_is_no_provider_is_refused_in_words() {
        let rules = &["ops = operator"];
        assert_eq!(provider(rules).checked().unwrap().groups_claim, "groups");
        let with = |change: fn(&mut SignInProvider)| {
            let mut changed = provider(rules);
            change(&mut changed);
            changed.checked()
        };
        assert!(with(|one| one.issuer = "http://id.example.com".into()).is_err());
        assert!(with(|one| one.issuer = "http://localhost:8080".into()).is_ok());
        assert!(with(|one| one.client_id = " ".into()).is_err());
        assert!(with(|one| one.rules.clear()).is_err());
        assert!(parse_rule("ops").is_err() && parse_rule("ops = root").is_err());
        assert!(parse_rule("ops = viewer : Berlin").is_err());
        assert_eq!(rule_line(&parse_rule("a=b = viewer:3,4").unwrap()), "a=b = viewer : 3, 4");
    }
}
