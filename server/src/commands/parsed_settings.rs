//! What options of `serve` mean that are more than they say.

use std::time::Duration;

use anyhow::{Context, anyhow};
use axum::http::Uri;
use poolwatch_model::alerting::Recipient;

use crate::{
    alerts::mailer::{self, Mailer, standing_recipients},
    cli::{MailOptions, ServeOptions, SignInOptions},
    database::none_named,
    mail_server::MailServer,
    otlp::OtlpTarget,
    retention_setting::{LiveRetention, RetentionDays},
    sign_in_provider::{SignInProvider, parse_rule},
};

/// The options, read.
pub(super) struct ParsedSettings {
    pub(super) standing_recipients: Vec<Recipient>,
    pub(super) mailer: Option<Mailer>,
    pub(super) mail_server: Option<MailServer>,
    pub(super) sign_in_provider: Option<SignInProvider>,
    pub(super) retention: LiveRetention,
    pub(super) tls_names: Vec<String>,
    pub(super) otlp: Option<OtlpTarget>,
}

impl ParsedSettings {
    /// Reads them.
    ///
    /// # Errors
    /// When one of them makes no sense, or no database is named.
    pub(super) fn new(options: &ServeOptions) -> anyhow::Result<Self> {
        if options.database.database.is_none() && options.database.database_url.is_none() {
            return Err(none_named());
        }
        let keep = &options.keep;
        let fixed = RetentionDays {
            full_hours: keep.keep_full_hours,
            ten_minute_days: keep.keep_10min_days,
            hourly_days: keep.keep_hourly_days,
        };
        Ok(Self {
            standing_recipients: standing_recipients(&options.mail)?,
            mailer: Mailer::new(&options.mail, options.public_url.trim_end_matches('/'))?,
            mail_server: named_mail_server(&options.mail)?,
            sign_in_provider: named_provider(&options.sign_in)?,
            retention: LiveRetention::new(fixed).map_err(|error| anyhow!("{error}"))?,
            otlp: named_collector(options)?,
            tls_names: tls_names(&options.public_url, &options.tls.tls_name)?,
        })
    }
}

/// The mail server that the command line or environment names.
fn named_mail_server(options: &MailOptions) -> anyhow::Result<Option<MailServer>> {
    let named = options.smtp_url.clone().zip(options.mail_from.clone());
    let Some((smtp_url, from)) = named else { return Ok(None) };
    Ok(Some(MailServer { smtp_url, from, oauth: mailer::oauth_client(options)? }))
}

/// The identity provider that the command line or environment names.
fn named_provider(options: &SignInOptions) -> anyhow::Result<Option<SignInProvider>> {
    let named = options.oidc_issuer.clone().zip(options.oidc_client_id.clone());
    let Some((issuer, client_id)) = named else { return Ok(None) };
    let rules = options.oidc_role.iter().filter(|rule| !rule.trim().is_empty());
    let rules: Result<Vec<_>, String> = rules.map(|rule| parse_rule(rule)).collect();
    let provider = SignInProvider {
        issuer,
        client_id,
        secret: options.oidc_client_secret.clone(),
        scopes: options.oidc_scopes.clone(),
        groups_claim: options.oidc_groups_claim.clone(),
        rules: rules.map_err(|error| anyhow!("--oidc-role: {error}"))?,
    };
    Ok(Some(provider.checked().map_err(|error| anyhow!("--oidc-…: {error}"))?))
}

/// The collector of metrics that is named.
fn named_collector(options: &ServeOptions) -> anyhow::Result<Option<OtlpTarget>> {
    let every = Duration::from_secs(options.otlp_every_s.into());
    let url = options.otlp_url.as_deref();
    url.map(|url| OtlpTarget::parse(url, &options.otlp_header, every)).transpose()
}

/// The names that a certificate of our own is for, beside those of this machine.
fn tls_names(public_url: &str, further: &[String]) -> anyhow::Result<Vec<String>> {
    let parsed = public_url.parse::<Uri>().ok();
    let host = parsed.as_ref().and_then(|url| url.scheme().and(url.host())).with_context(|| {
        format!(
            "--public-url {public_url} is no address such as https://poolwatch.example.com:8443"
        )
    })?;
    let host = host.trim_start_matches('[').trim_end_matches(']');
    Ok([host.to_owned()].into_iter().chain(further.iter().cloned()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_is_for_the_host_of_the_public_address_and_further_names() {
        for (url, host) in [
            ("https://poolwatch.example.com:8443", "poolwatch.example.com"),
            ("https://10.0.0.5/", "10.0.0.5"),
            ("https://[2001:db8::5]:8443", "2001:db8::5"),
        ] {
            assert_eq!(tls_names(url, &["pool".into()]).unwrap(), [host, "pool"]);
        }
        for url in ["poolwatch.example.com", "/", "", "https://"] {
            let error = tls_names(url, &[]).unwrap_err();
            assert!(error.to_string().contains("--public-url"), "{url}");
        }
    }
}
