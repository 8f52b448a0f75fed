-- People who sign in by an identity provider (OpenID Connect): who they are there.
ALTER TABLE users
    ADD COLUMN oidc_issuer  text,
    ADD COLUMN oidc_subject text,
    ADD CONSTRAINT users_oidc_subject_key UNIQUE (oidc_issuer, oidc_subject),
    ADD CONSTRAINT users_oidc_check CHECK ((oidc_issuer IS NULL) = (oidc_subject IS NULL));
