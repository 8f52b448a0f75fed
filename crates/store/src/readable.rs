//! Stored documents that cost themselves alone where they cannot be read.

use serde::de::DeserializeOwned;
use sqlx::{
    Decode, Postgres, Type,
    error::BoxDynError,
    postgres::{PgTypeInfo, PgValueRef},
    types::Json,
};

/// A stored document; none where it cannot be read, so that one damaged row fails no query over many.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Readable<T>(pub(crate) Option<T>);

impl<T> Type<Postgres> for Readable<T> {
    fn type_info() -> PgTypeInfo {
        Json::<T>::type_info()
    }

    fn compatible(kind: &PgTypeInfo) -> bool {
        Json::<T>::compatible(kind)
    }
}

impl<'r, T: DeserializeOwned> Decode<'r, Postgres> for Readable<T> {
    fn decode(value: PgValueRef<'r>) -> Result<Self, BoxDynError> {
        Ok(Self(Json::<T>::decode(value).ok().map(|document| document.0)))
    }
}
