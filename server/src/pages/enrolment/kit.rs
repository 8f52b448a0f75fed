//! Files that bring agents to hosts, with this server's values (`POST /deploy/kit`).

use axum::{Extension, extract::State, response::Response};
use poolwatch_model::host_group::checked_labels;
use poolwatch_web::deploy_kit::{DeployKit, EXAMPLE_SHARE};
use serde::Deserialize;

use crate::{
    access::{audit::AuditNote, people::Person},
    app::{App, SharedApp},
    app_error::AppError,
    installers,
    pages::export::download,
    parameters::Form,
};

/// Minutes within which hosts begin, when nobody says otherwise.
const SPREAD_MINUTES: u32 = 30;
/// The most: batch files reckon in 31 bits.
const MOST_SPREAD_MINUTES: u32 = 1000;
/// Characters of a value at most.
const VALUE: usize = 300;

/// What the form sends; what is empty is not set.
#[derive(Debug, Default, Deserialize)]
pub(in crate::pages) struct Wanted {
    #[serde(default)]
    token: String,
    #[serde(default)]
    share: String,
    #[serde(default)]
    proxy: String,
    /// Labels with commas between.
    #[serde(default)]
    labels: String,
    #[serde(default)]
    interval_s: String,
    #[serde(default)]
    spread_minutes: String,
}

/// The archive.
pub(in crate::pages) async fn archive(
    State(app): State<SharedApp>,
    Extension(_): Extension<Person>,
    Form(form): Form<Wanted>,
) -> Result<(Extension<AuditNote>, Response), AppError> {
    let kit = checked(&form, blank(&app, &offered(&app).await?))?;
    let authority = match app.settings.authority() {
        Some(file) => Some(tokio::fs::read(file).await.map_err(AppError::internal)?),
        None => None,
    };
    let with_token = if kit.token.is_some() { "with a token" } else { "without a token" };
    let bytes = tokio::task::spawn_blocking({
        let folder = app.settings.installers.clone();
        move || pack(kit, folder.as_deref(), authority.as_deref())
    })
    .await
    .map_err(AppError::internal)??;
    let note = AuditNote::new("files for deployment", with_token);
    Ok((Extension(note), download("application/zip", "poolwatch-deploy.zip", bytes)))
}

/// The files of the folder of installers; none where there is no such folder.
pub(super) async fn offered(app: &App) -> Result<Vec<(String, u64)>, AppError> {
    let Some(folder) = app.settings.installers.clone() else { return Ok(Vec::new()) };
    let listed = tokio::task::spawn_blocking(move || installers::list(&folder)).await;
    listed.map_err(AppError::internal)?.map_err(AppError::internal)
}

/// The kit of this server, with nothing chosen.
pub(super) fn blank(app: &App, offered: &[(String, u64)]) -> DeployKit {
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
fn checked(form: &Wanted, kit: DeployKit) -> Result<DeployKit, AppError> {
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
    let number = |text: &str, least: u32, most: u32, what: &str| match given(text) {
        None => Ok(None),
        Some(text) => match text.parse() {
            Ok(number) if (least..=most).contains(&number) => Ok(Some(number)),
            _ => Err(AppError::bad_request(format!("{what} from {least} to {most}."))),
        },
    };
    let interval_s = number(&form.interval_s, 10, 3600, "Seconds between snapshots are")?;
    let spread =
        number(&form.spread_minutes, 0, MOST_SPREAD_MINUTES, "Minutes to begin within are")?;
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
        assert_eq!(checked(&Wanted::default(), kit()).unwrap(), kit());
    }

    #[test]
    fn values_are_taken_as_they_are_typed() {
        let wanted = Wanted {
            token: " pwe_01 ".into(),
            share: r"\\fs\apps$\pool\".into(),
            proxy: "http://proxy.test:3128".into(),
            labels: "Berlin, file server".into(),
            interval_s: "30".into(),
            spread_minutes: "0".into(),
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
            ("interval_s", "5"),
            ("spread_minutes", "1001"),
            ("spread_minutes", "soon"),
        ] {
            let mut wanted = Wanted::default();
            let place = match field {
                "token" => &mut wanted.token,
                "share" => &mut wanted.share,
                "proxy" => &mut wanted.proxy,
                "labels" => &mut wanted.labels,
                "interval_s" => &mut wanted.interval_s,
                _ => &mut wanted.spread_minutes,
            };
            text.clone_into(place);
            assert!(checked(&wanted, kit()).is_err(), "{field}: {text}");
        }
    }
}
