//! Signing in by an identity provider: authorization code with PKCE, state and nonce.

use std::{collections::HashMap, sync::Arc, time::Duration};

use openidconnect::{
    AdditionalClaims, AuthenticationFlow, AuthorizationCode, Client, ClientId, ClientSecret,
    CsrfToken, EmptyExtraTokenFields, EndpointMaybeSet, EndpointNotSet, EndpointSet, HttpRequest,
    HttpResponse, IdTokenFields, IssuerUrl, Nonce, PkceCodeChallenge, PkceCodeVerifier,
    RedirectUrl, Scope, StandardErrorResponse, StandardTokenResponse,
    core::{
        CoreAuthDisplay, CoreAuthPrompt, CoreErrorResponseType, CoreGenderClaim, CoreJsonWebKey,
        CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm, CoreProviderMetadata,
        CoreResponseType, CoreRevocableToken, CoreRevocationErrorResponse,
        CoreTokenIntrospectionResponse, CoreTokenType,
    },
    http,
};
use reqwest::redirect::Policy;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{ProviderCache, SignInProvider};
use crate::answer_words::error_in_words;

/// How long the provider may take for one answer.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Bytes of an answer at most.
const ANSWER_BYTES: usize = 1 << 20;

/// What a provider says of itself, with its keys.
pub(super) type Metadata = CoreProviderMetadata;

/// Claims beside the standard ones: groups, roles, names of Microsoft's.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct FurtherClaims {
    #[serde(flatten)]
    all: HashMap<String, Value>,
}

impl AdditionalClaims for FurtherClaims {}

type IdFields = IdTokenFields<
    FurtherClaims,
    EmptyExtraTokenFields,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJwsSigningAlgorithm,
>;

type ProviderClient = Client<
    FurtherClaims,
    CoreAuthDisplay,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJsonWebKey,
    CoreAuthPrompt,
    StandardErrorResponse<CoreErrorResponseType>,
    StandardTokenResponse<IdFields, CoreTokenType>,
    CoreTokenIntrospectionResponse,
    CoreRevocableToken,
    CoreRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

/// Where a browser goes, and what has to come back with it: the browser keeps the second, sealed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Authorization {
    /// The address of the provider.
    #[serde(skip)]
    pub url: String,
    /// What the provider gives back unread.
    pub state: String,
    nonce: String,
    verifier: String,
}

/// Who somebody is, as the provider says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderIdentity {
    /// The provider.
    pub issuer: String,
    /// Who it is there, for ever.
    pub subject: String,
    /// E-mail address, or the name that is one.
    pub email: String,
    /// Name shown.
    pub name: String,
    /// Groups or roles.
    pub groups: Vec<String>,
}

/// Why somebody could not be signed in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProviderError {
    /// It was not reached, or said no.
    #[error("The identity provider: {0}")]
    Unavailable(String),
    /// What it said cannot be trusted.
    #[error("What the identity provider said is not valid: {0}")]
    Invalid(String),
    /// It says no e-mail address.
    #[error(
        "The identity provider says no e-mail address. Let it send the claim email or \
         preferred_username."
    )]
    NoAddress,
    /// A person has more groups than it sends.
    #[error(
        "The identity provider names too many groups to send them. Let it send those of this \
         application alone, or use application roles."
    )]
    TooManyGroups,
}

#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Unreachable(String);

impl SignInProvider {
    /// Begins a sign-in that leads back to an address of this server.
    ///
    /// # Errors
    /// When the provider cannot be reached.
    pub async fn begin(
        &self,
        cache: &ProviderCache,
        back: &str,
    ) -> Result<Authorization, ProviderError> {
        let client = self.client(cache, back).await?;
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let mut request = client.authorize_url(
            AuthenticationFlow::<CoreResponseType>::AuthorizationCode,
            CsrfToken::new_random,
            Nonce::new_random,
        );
        for scope in self.scopes.split_whitespace() {
            request = request.add_scope(Scope::new(scope.to_owned()));
        }
        let (url, state, nonce) = request.set_pkce_challenge(challenge).url();
        Ok(Authorization {
            url: url.into(),
            state: state.secret().clone(),
            nonce: nonce.secret().clone(),
            verifier: verifier.secret().clone(),
        })
    }

    /// Ends a sign-in: who it is by the code that the provider gave.
    ///
    /// # Errors
    /// When the provider cannot be reached, takes no such code, or what it says cannot be trusted.
    pub async fn finish(
        &self,
        cache: &ProviderCache,
        back: &str,
        begun: &Authorization,
        code: String,
    ) -> Result<ProviderIdentity, ProviderError> {
        let client = self.client(cache, back).await?;
        let http = http_client()?;
        let send = |request| send(http.clone(), request);
        let answer = client
            .exchange_code(AuthorizationCode::new(code))
            .map_err(|error| ProviderError::Unavailable(error.to_string()))?
            .set_pkce_verifier(PkceCodeVerifier::new(begun.verifier.clone()))
            .request_async(&send)
            .await
            .map_err(|error| ProviderError::Unavailable(error_in_words(&error)))?;
        let missing = || ProviderError::Invalid("it sent no ID token".to_owned());
        let token = answer.extra_fields().id_token().ok_or_else(missing)?;
        let nonce = Nonce::new(begun.nonce.clone());
        let claims = token
            .claims(&client.id_token_verifier(), &nonce)
            .map_err(|error| ProviderError::Invalid(error_in_words(&error)))?;
        let further = &claims.additional_claims().all;
        let text = |name: &str| further.get(name).and_then(Value::as_str).map(str::to_owned);
        let groups = match further.get(&self.groups_claim) {
            Some(Value::Array(all)) => {
                all.iter().filter_map(Value::as_str).map(str::to_owned).collect()
            }
            Some(Value::String(one)) => vec![one.clone()],
            // Entra ID sends a link in place of more than 200.
            _ if further.contains_key("_claim_names") => return Err(ProviderError::TooManyGroups),
            _ => Vec::new(),
        };
        let email = claims.email().map(|email| email.as_str().to_owned());
        let user = claims.preferred_username().map(|name| name.as_str().to_owned());
        let is_address = |text: &String| text.contains('@');
        let addresses = [email, user, text("upn")];
        let email = addresses.into_iter().flatten().find(is_address);
        let email = email.ok_or(ProviderError::NoAddress)?;
        let name =
            claims.name().and_then(|name| name.get(None)).map(|name| name.as_str().to_owned());
        Ok(ProviderIdentity {
            issuer: self.issuer.clone(),
            subject: claims.subject().as_str().to_owned(),
            name: name.unwrap_or_else(|| email.clone()),
            email,
            groups,
        })
    }

    async fn client(
        &self,
        cache: &ProviderCache,
        back: &str,
    ) -> Result<ProviderClient, ProviderError> {
        let unusable =
            |error: &dyn std::error::Error| ProviderError::Unavailable(error_in_words(error));
        let metadata = match cache.get(&self.issuer) {
            Some(known) => known,
            None => {
                let issuer =
                    IssuerUrl::new(self.issuer.clone()).map_err(|error| unusable(&error))?;
                let http = http_client()?;
                let send = |request| send(http.clone(), request);
                let found = CoreProviderMetadata::discover_async(issuer, &send).await;
                let found = Arc::new(found.map_err(|error| unusable(&error))?);
                cache.put(&self.issuer, found.clone());
                found
            }
        };
        let back = RedirectUrl::new(back.to_owned()).map_err(|error| unusable(&error))?;
        let secret = self.secret.clone().map(ClientSecret::new);
        let id = ClientId::new(self.client_id.clone());
        let client = Client::from_provider_metadata(Metadata::clone(&metadata), id, secret);
        Ok(client.set_redirect_uri(back))
    }
}

fn http_client() -> Result<reqwest::Client, ProviderError> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().redirect(Policy::none()).timeout(TIMEOUT).build();
    client.map_err(|error| ProviderError::Unavailable(error.to_string()))
}

async fn send(client: reqwest::Client, request: HttpRequest) -> Result<HttpResponse, Unreachable> {
    let unreachable = |error: reqwest::Error| Unreachable(error_in_words(&error.without_url()));
    let (head, body) = request.into_parts();
    let request = client.request(head.method, head.uri.to_string()).headers(head.headers);
    let mut response = request.body(body).send().await.map_err(unreachable)?;
    let mut answer = http::Response::builder().status(response.status());
    if let Some(headers) = answer.headers_mut() {
        *headers = response.headers().clone();
    }
    let mut body = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(unreachable)? {
        if body.len() + piece.len() > ANSWER_BYTES {
            return Err(Unreachable("its answer is too long".to_owned()));
        }
        body.extend_from_slice(&piece);
    }
    answer.body(body).map_err(|error| Unreachable(error.to_string()))
}
