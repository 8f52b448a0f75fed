//! What taking in frames asks of the database.

use jiff::Timestamp;
use poolwatch_model::{BootId, HostId, snapshot::PoolFailures};
use poolwatch_store::{
    PgPool,
    boots::{self, Anchor, Boot},
    frames::NewFrame,
    pool_failures,
    read::{self, Taken},
};

use crate::{
    app_error::AppError,
    writer::{Writer, upload_permit::UploadPermit},
};

/// Where frames are stored. A failure leaves open whether what was asked for was done.
pub trait FrameStore: Sync {
    /// The boot of a host, made with this anchor when it is new.
    ///
    /// # Errors
    /// When the database fails.
    fn find_or_create_boot(
        &self,
        host: HostId,
        boot: BootId,
        booted_at: Timestamp,
    ) -> impl Future<Output = Result<Boot, AppError>> + Send;

    /// Lets an anchor hold, in place of one that began there.
    ///
    /// # Errors
    /// When the database fails.
    fn put_anchor(
        &self,
        host: HostId,
        boot_no: i32,
        anchor: Anchor,
    ) -> impl Future<Output = Result<(), AppError>> + Send;

    /// The latest snapshot of a host that was taken in a period and can be read.
    ///
    /// # Errors
    /// When the database fails.
    fn last_taken(
        &self,
        host: HostId,
        since: Timestamp,
        until: Timestamp,
    ) -> impl Future<Output = Result<Option<Taken>, AppError>> + Send;

    /// Keeps what the Server service of a host could not allocate, by the times of the frames that told
    /// it. What is kept already stays.
    ///
    /// # Errors
    /// When the database fails.
    fn note_pool_failures(
        &self,
        host: HostId,
        failures: &[(Timestamp, PoolFailures)],
    ) -> impl Future<Output = Result<(), AppError>> + Send;

    /// Stores frames. Returns, after the commit, how many of them were new.
    ///
    /// # Errors
    /// When they cannot be stored now.
    fn write(
        &self,
        frames: Vec<NewFrame>,
        permit: UploadPermit,
    ) -> impl Future<Output = Result<u64, AppError>> + Send;
}

/// Postgres.
#[derive(Debug, Clone, Copy)]
pub(super) struct PostgresFrames<'a> {
    pub(super) pool: &'a PgPool,
    pub(super) writer: &'a Writer,
}

impl FrameStore for PostgresFrames<'_> {
    async fn find_or_create_boot(
        &self,
        host: HostId,
        boot: BootId,
        booted_at: Timestamp,
    ) -> Result<Boot, AppError> {
        let mut db = self.pool.acquire().await?;
        Ok(boots::find_or_create(&mut db, host, boot, booted_at).await?)
    }

    async fn put_anchor(&self, host: HostId, boot_no: i32, anchor: Anchor) -> Result<(), AppError> {
        let mut db = self.pool.acquire().await?;
        Ok(boots::anchor(&mut db, host, boot_no, anchor).await?)
    }

    async fn last_taken(
        &self,
        host: HostId,
        since: Timestamp,
        until: Timestamp,
    ) -> Result<Option<Taken>, AppError> {
        let mut db = self.pool.acquire().await?;
        Ok(read::last_taken(&mut db, host, since, until).await?)
    }

    async fn note_pool_failures(
        &self,
        host: HostId,
        failures: &[(Timestamp, PoolFailures)],
    ) -> Result<(), AppError> {
        let mut db = self.pool.acquire().await?;
        Ok(pool_failures::note(&mut db, host, failures).await?)
    }

    async fn write(&self, frames: Vec<NewFrame>, permit: UploadPermit) -> Result<u64, AppError> {
        self.writer.write(frames, permit).await
    }
}
