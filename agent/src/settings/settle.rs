//! When settings hold: once two looks see the same. Group Policy may take all of its values away before
//! it writes them anew, and whoever looks in between would take half of a policy for all of it.

use std::time::Duration;

use tokio::time;
use tracing::{debug, error};

use super::Settings;

/// How often the settings are looked at: what Group Policy says holds without a restart.
const LOOK_EVERY: Duration = Duration::from_secs(15);
/// From one look to the one that confirms it.
const CONFIRM_AFTER: Duration = Duration::from_secs(2);

/// The settings, once they can be read: a registry that cannot be read says nothing of what holds.
pub async fn settle(mut read: impl FnMut() -> anyhow::Result<Settings>) -> Settings {
    let mut seen = None;
    loop {
        match read() {
            Ok(now) if seen.as_ref() == Some(&now) => return now,
            Ok(now) => seen = Some(now),
            Err(error) => {
                error!("The settings cannot be read; trying again: {error:#}");
                seen = None;
            }
        }
        time::sleep(if seen.is_some() { CONFIRM_AFTER } else { LOOK_EVERY }).await;
    }
}

/// Other settings than those that are known, as soon as there are some; what is passed over counts as well.
/// A registry that cannot be read has not changed.
pub async fn await_change(
    known: &Settings,
    mut read: impl FnMut() -> anyhow::Result<Settings>,
) -> Settings {
    loop {
        time::sleep(LOOK_EVERY).await;
        match read() {
            Ok(now) if now == *known => {}
            Ok(_) => {
                let now = settle(&mut read).await;
                if now != *known {
                    return now;
                }
            }
            Err(error) => debug!("The settings cannot be read now: {error:#}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;

    use super::*;
    use crate::settings::{Layer, Source};

    fn policy(values: &[(&str, &str)]) -> Settings {
        let values =
            values.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Settings::resolve(vec![Layer::new(Source::Policy, values)])
    }

    /// Settings as they are seen one look after the other; the last for good.
    fn looks(mut seen: Vec<anyhow::Result<Settings>>) -> impl FnMut() -> anyhow::Result<Settings> {
        move || match seen.len() {
            1 => Ok(seen[0].as_ref().map(Clone::clone).unwrap()),
            _ => seen.remove(0),
        }
    }

    async fn at_most<T>(seconds: u64, done: impl Future<Output = T>) -> Option<T> {
        time::timeout(Duration::from_secs(seconds), done).await.ok()
    }

    #[tokio::test(start_paused = true)]
    async fn half_of_a_policy_is_never_taken_for_all_of_it() {
        let known =
            policy(&[("server_url", "https://a"), ("spool_dir", "/a"), ("interval_s", "30")]);
        let new = policy(&[("server_url", "https://a"), ("spool_dir", "/a"), ("interval_s", "40")]);
        let halves = || vec![Ok(policy(&[])), Ok(policy(&[("server_url", "https://a")]))];
        let seen = looks(halves().into_iter().chain([Ok(new.clone())]).collect());
        assert_eq!(at_most(60, await_change(&known, seen)).await, Some(new.clone()));
        let seen = looks(halves().into_iter().chain([Ok(known.clone())]).collect());
        assert_eq!(at_most(600, await_change(&known, seen)).await, None, "written anew as it was");
        let seen = looks(halves().into_iter().chain([Ok(new.clone())]).collect());
        assert_eq!(at_most(10, settle(seen)).await, Some(new));
    }

    #[tokio::test(start_paused = true)]
    async fn a_value_that_is_passed_over_is_a_change_and_a_registry_that_fails_is_none() {
        let known = policy(&[]);
        let nonsense = policy(&[("interval_s", "much")]);
        assert_eq!(known.effective(), nonsense.effective());
        let seen = looks(vec![Ok(known.clone()), Ok(nonsense.clone())]);
        assert_eq!(at_most(60, await_change(&known, seen)).await, Some(nonsense));
        let failing = || Err(anyhow::anyhow!("out of resources"));
        assert_eq!(at_most(600, await_change(&known, failing)).await, None);
        let mut fails = true;
        let settled =
            settle(|| if std::mem::take(&mut fails) { failing() } else { Ok(known.clone()) });
        assert_eq!(at_most(60, settled).await, Some(policy(&[])));
    }
}
