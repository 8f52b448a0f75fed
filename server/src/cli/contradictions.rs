//! Settings that contradict each other, or have no effect beside each other, and that parsing lets
//! through.

use super::{ServeOptions, Tls};

/// What contradicts, in words. `is_set` tells whether somebody set a setting.
pub(super) fn find(options: &ServeOptions, is_set: impl Fn(&str) -> bool) -> Vec<String> {
    let has_certificate = options.tls.tls_cert.is_some();
    let does_tls = has_certificate || options.tls.tls == Tls::SelfSigned;
    let by_https = options.public_url.starts_with("https://");
    let mut found = Vec::new();
    let mut add = |is_so: bool, words: &str| {
        if is_so {
            found.push(words.to_owned());
        }
    };
    add(
        has_certificate && options.tls.tls == Tls::Off,
        "tls = \"off\" has no effect beside tls_cert: the server does TLS.",
    );
    add(
        has_certificate && !options.tls.tls_name.is_empty(),
        "tls_name has no effect beside tls_cert: it is for a certificate of the server's own.",
    );
    add(
        does_tls && !by_https,
        "public_url begins with http:// and the server does TLS: links in mails lead nowhere, and \
         cookies do not insist on TLS.",
    );
    add(
        !does_tls && by_https && options.connections.trusted_proxies.is_empty(),
        "The server does no TLS and trusted_proxies names no proxy that does: all agents behind one \
         count as one address and share its connections.",
    );
    add(
        is_set("mail_from") && options.mail.smtp_url.is_none(),
        "mail_from has no effect without smtp_url: the console's mail server has a sender of its own.",
    );
    add(
        options.metrics_listen == Some(options.listen),
        "metrics_listen is the address of listen: the second of them cannot be listened on.",
    );
    let oidc = ["oidc_client_secret", "oidc_scopes", "oidc_groups_claim", "oidc_role"];
    add(
        options.sign_in.oidc_issuer.is_none() && oidc.into_iter().any(&is_set),
        "Settings of sign-in (oidc_…) have no effect without oidc_issuer and oidc_client_id.",
    );
    add(
        options.otlp_url.is_none() && ["otlp_header", "otlp_every_s"].into_iter().any(&is_set),
        "Settings otlp_… have no effect without otlp_url.",
    );
    let oauth = ["smtp_oauth_client_id", "smtp_oauth_client_secret", "smtp_oauth_scope"];
    add(
        options.mail.smtp_oauth_token_url.is_none() && oauth.into_iter().any(&is_set),
        "Settings smtp_oauth_… have no effect without smtp_oauth_token_url.",
    );
    found
}
