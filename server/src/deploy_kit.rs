//! Files that bring agents to hosts, with this server's values.

use poolwatch_model::host_group::checked_labels;
use poolwatch_web::deploy_kit::{DeployKit, EXAMPLE_SHARE};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::{app::App, app_error::AppError, installers, parameters::read_number};

/// Name under which the archive is saved.
pub const FILE_NAME: &str = "poolwatch-deploy.zip";
/// Minutes within which hosts begin, when nobody says otherwise.
const SPREAD_MINUTES: u32 = 30;
/// The most: batch files reckon in 31 bits.
const MOST_SPREAD_MINUTES: u32 = 1000;
/// Characters of a value at most.
const VALUE: usize = 300;

/// What the files are to say; what is empty is not set.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub struct KitDraft {
    /// Enrolment token.
    #[serde(default)]
    token: String,
    /// Share from which hosts install, as `\\server\folder`.
    #[serde(default)]
    share: String,
    /// Proxy by which agents send, or `none`.
    #[serde(default)]
    proxy: String,
    /// Labels with commas between.
    #[serde(default)]
    labels: String,
    /// Seconds between snapshots, 10 to 3600.
    #[serde(default, deserialize_with = "read_number")]
    #[schema(value_type = Option<u32>)]
    interval_s: Option<u32>,
    /// Minutes within which hosts begin, 0 to 1000.
    #[serde(default, deserialize_with = "read_number")]
    #[schema(value_type = Option<u32>)]
    spread_minutes: Option<u32>,
}

/// The archive, and what the audit log keeps of it.
///
/// # Errors
/// 400 for what means something to a script, and when files cannot be read.
pub async fn make(app: &App, draft: &KitDraft) -> Result<(Vec<u8>, &'static str), AppError> {
    let kit = checked(draft, blank(app, &offered(app).await?))?;
    let authority = match app.settings.authority() {
        Some(file) => Some(tokio::fs::read(file).await.map_err(AppError::internal)?),
        None => None,
    };
    let told = if kit.token.is_some() { "with a token" } else { "without a token" };
    let folder = app.settings.installers.clone();
    let packed =
        tokio::task::spawn_blocking(move || pack(kit, folder.as_deref(), authority.as_deref()));
    Ok((packed.await.map_err(AppError::internal)??, told))
}

/// The files of the folder of installers; none where there is no such folder.
///
/// # Errors
/// When the folder cannot be read.
pub async fn offered(app: &App) -> Result<Vec<(String, u64)>, AppError> {
    let Some(folder) = app.settings.installers.clone() else { return Ok(Vec::new()) };
    let listed = tokio::task::spawn_blocking(move || installers::list(&folder)).await;
    listed.map_err(AppError::internal)?.map_err(AppError::internal)
}

/// The kit of this server, with nothing chosen.
#[must_use]
pub fn blank(app: &App, offered: &[(String, u64)]) -> DeployKit {
    let version = installers::newest_version(offered);
    DeployKit {
        url: app.settings.public_url.trim_end_matches('/').to_owned(),
        token: None,
        has_authority: app.settings.authority().is_some(),
        proxy: None,
        labels: Vec::new(),
        interval_s: None,
        share: EXAMPLE_SHARE.to_owned(),
        spread_minutes: SPREAD_MINUTES,
        version: version.unwrap_or_else(|| env!("CARGO_PKG_VERSION").to_owned()),
        packages: Vec::new(),
        changed: app.clock.now(),
    }
}

fn pack(
    mut kit: DeployKit,
    folder: Option<&std::path::Path>,
    authority: Option<&[u8]>,
) -> Result<Vec<u8>, AppError> {
    if let Some(folder) = folder {
        kit.packages = installers::packages(folder, &kit.version).map_err(AppError::internal)?;
    }
    let transform = installers::write_transform(&kit.properties()).map_err(AppError::internal)?;
    let texts = kit.texts()?;
    let texts = texts.iter().map(|(name, text)| ((*name).to_owned(), text.as_bytes()));
    let policy = installers::POLICY
        .iter()
        .map(|(name, content)| (format!("PolicyDefinitions/{name}"), *content));
    let authority = authority.map(|pem| ("ca.pem".to_owned(), pem));
    let transform = ("poolwatch.mst".to_owned(), transform.as_slice());
    let files = texts.chain([transform]).chain(authority).chain(policy);
    installers::archive(files).map_err(AppError::internal)
}

/// The kit with what somebody wants. Its values stand in command lines, scripts and XML: what means
/// something there is refused.
fn checked(form: &KitDraft, kit: DeployKit) -> Result<DeployKit, AppError> {
    let refused = |what: &str| Err(AppError::bad_request(what));
    let is_plain = |text: &str, more: &str| {
        text.len() <= VALUE && text.chars().all(|c| c.is_ascii_alphanumeric() || more.contains(c))
    };
    let given = |text: &str| Some(text.trim()).filter(|text| !text.is_empty()).map(str::to_owned);

    let token = given(&form.token);
    if token.as_ref().is_some_and(|token| !token.starts_with("pwe_") || !is_plain(token, "_")) {
        return refused("A token is pwe_ and letters and digits.");
    }
    let share = given(&form.share).unwrap_or(kit.share);
    let share = share.trim_end_matches('\\').to_owned();
    if !share.starts_with(r"\\") || share.len() < 5 || !is_plain(&share, r"\.-_$") {
        return refused(
            r"A share is \\server\folder, of letters, digits and . - _ $, without blanks.",
        );
    }
    let proxy = given(&form.proxy);
    let is_address = |proxy: &str| {
        proxy == "none" || proxy.starts_with("http://") || proxy.starts_with("https://")
    };
    if proxy.as_ref().is_some_and(|proxy| !is_address(proxy) || !is_plain(proxy, ":/.-_~@[]+")) {
        return refused(
            "A proxy is an address such as http://proxy.example.com:3128, or none. A password with \
             other characters than letters, digits and . - _ ~ + is for a policy.",
        );
    }
    let labels = checked_labels(form.labels.split(',')).map_err(AppError::bad_request)?;
    if labels.iter().any(|label| !is_plain(label, " .-_")) {
        return refused("Labels of a package are letters, digits, blanks and . - _");
    }
    let number = |number: Option<u32>, least: u32, most: u32, what: &str| match number {
        Some(number) if !(least..=most).contains(&number) => {
            Err(AppError::bad_request(format!("{what} from {least} to {most}.")))
        }
        number => Ok(number),
    };
    let interval_s = number(form.interval_s, 10, 3600, "Seconds between snapshots are")?;
    let spread =
        number(form.spread_minutes, 0, MOST_SPREAD_MINUTES, "Minutes to begin within are")?;
    Ok(DeployKit {
        token,
        share,
        proxy,
        labels,
        interval_s,
        spread_minutes: spread.unwrap_or(kit.spread_minutes),
        ..kit
    })
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    fn kit() -> DeployKit {
        DeployKit {
            url: "https://pool.test".into(),
            token: None,
            has_authority: false,
            proxy: None,
            labels: Vec::new(),
            interval_s: None,
            share: EXAMPLE_SHARE.into(),
            spread_minutes: SPREAD_MINUTES,
            version: "0.1.0".into(),
            packages: Vec::new(),
            changed: Timestamp::UNIX_EPOCH,
        }
    }

    #[test]
    fn what_is_left_empty_is_not_set() {
        assert_eq!(checked(&KitDraft::default(), kit()).unwrap(), kit());
    }

    #[test]
    fn values_are_taken_as_they_are_typed() {
        let wanted = KitDraft {
            token: " pwe_01 ".into(),
            share: r"\\fs\apps$\pool\".into(),
            proxy: "http://proxy.test:3128".into(),
            labels: "Berlin, file server".into(),
            interval_s: Some(30),
            spread_minutes: Some(0),
        };
        let made = checked(&wanted, kit()).unwrap();
        assert_eq!(made.token.as_deref(), Some("pwe_01"));
        assert_eq!(made.share, r"\\fs\apps$\pool");
        assert_eq!(made.labels, ["berlin", "file server"]);
        assert_eq!((made.interval_s, made.spread_minutes), (Some(30), 0));
    }

    #[test]
    fn what_means_something_to_a_script_is_refused() {
        for (field, text) in [
            ("token", "token"),
            ("token", "pwe_1\" & calc"),
            ("share", r"C:\folder"),
            ("share", r"\\fs\a b"),
            ("share", r"\\fs\a%PATH%"),
            ("share", "\\\\fs\\a\r\ncalc"),
            ("proxy", "proxy:3128"),
            ("proxy", "http://a|b"),
            ("labels", "b\u{fc}ro"),
            ("labels", "a'b"),
        ] {
            let mut wanted = KitDraft::default();
            let place = match field {
                "token" => &mut wanted.token,
                "share" => &mut wanted.share,
                "proxy" => &mut wanted.proxy,
                _ => &mut wanted.labels,
            };
            text.clone_into(place);
            assert!(checked(&wanted, kit()).is_err(), "{field}: {text}");
        }
        for (interval_s, spread_minutes) in [(Some(5), None), (None, Some(1001))] {
            let wanted = KitDraft { interval_s, spread_minutes, ..KitDraft::default() };
            assert!(checked(&wanted, kit()).is_err(), "{wanted:?}");
        }
    }
}
