//! A database per test, cloned from a migrated template, on a private Postgres that all test
//! programs of this machine share. Only with the feature `testing`.

pub mod faulty_proxy;

use std::{
    env,
    fs::File,
    path::{Path, PathBuf},
};

use anyhow::Context;
use jiff::Timestamp;
use poolwatch_model::{BootId, HostId, alerting::RecipientId};
use sqlx::{
    AssertSqlSafe, Connection, PgConnection, PgPool, Row,
    postgres::{PgConnectOptions, PgRow},
};
use uuid::Uuid;

use crate::{
    embedded::{self, Durability, Embedded},
    frames::StoredFrame,
};

/// Databases of tests older than this are left-overs, seconds.
const LEFT_OVER_S: u64 = 3600;

/// An empty database with the current schema.
///
/// # Errors
/// When there is no Postgres on this machine.
pub async fn database() -> anyhow::Result<PgPool> {
    Ok(PgPool::connect_with(database_options().await?).await?)
}

/// How to connect to an empty database with the current schema.
///
/// # Errors
/// When there is no Postgres on this machine.
pub async fn database_options() -> anyhow::Result<PgConnectOptions> {
    let server = server().await?;
    let name = format!("t_{}", Uuid::now_v7().simple());
    let mut admin = PgConnection::connect_with(&server).await?;
    let template = format!("template_{}", crate::schema_fingerprint());
    let create = format!("CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy");
    sqlx::query(AssertSqlSafe(create)).execute(&mut admin).await?;
    admin.close().await?;
    Ok(server.database(&name))
}

/// A database as an older version left it, from `pg_dump --format custom`, with the current schema.
///
/// # Errors
/// When there is no Postgres on this machine, or the dump cannot be restored or migrated.
pub async fn restored(dump: &Path) -> anyhow::Result<PgPool> {
    let server = server().await?;
    let name = format!("t_{}", Uuid::now_v7().simple());
    let mut admin = PgConnection::connect_with(&server).await?;
    sqlx::query(AssertSqlSafe(format!("CREATE DATABASE {name}"))).execute(&mut admin).await?;
    admin.close().await?;
    let folder = embedded::find_binaries().await.context("no PostgreSQL on this machine")?;
    // Where the server's programs are links of somebody's, those of clients may stand elsewhere.
    let beside = folder.join("pg_restore");
    let pg_restore = if beside.is_file() { beside } else { PathBuf::from("pg_restore") };
    let socket = server.get_socket().context("the tests' Postgres listens on a socket")?;
    let restored = tokio::process::Command::new(pg_restore)
        .args(["--exit-on-error", "--no-owner", "--username", server.get_username()])
        .arg("--host")
        .arg(socket)
        .args(["--dbname", &name])
        .arg(dump)
        .output()
        .await?;
    let words = String::from_utf8_lossy(&restored.stderr);
    anyhow::ensure!(restored.status.success(), "pg_restore: {words}");
    let options = server.database(&name);
    let mut connection = PgConnection::connect_with(&options).await?;
    crate::migrate(&mut connection).await?;
    connection.close().await?;
    Ok(PgPool::connect_with(options).await?)
}

/// Every frame of a host with its boot, by time.
///
/// # Errors
/// When the database fails.
pub async fn frames(
    db: &mut PgConnection,
    host: HostId,
) -> anyhow::Result<Vec<(BootId, StoredFrame)>> {
    let rows = sqlx::query(
        "SELECT boot_id, ts, boot_no, seq, payload FROM frames JOIN boots USING (host_id, boot_no)
         WHERE host_id = $1 ORDER BY ts, boot_no, seq",
    )
    .bind(host.0)
    .fetch_all(db)
    .await?;
    let frame = |row: PgRow| {
        let at: jiff_sqlx::Timestamp = row.try_get("ts")?;
        let seq: i64 = row.try_get("seq")?;
        let frame = StoredFrame {
            at: at.to_jiff(),
            boot_no: row.try_get("boot_no")?,
            seq: seq.unsigned_abs(),
            payload: row.try_get("payload")?,
        };
        Ok((BootId(row.try_get("boot_id")?), frame))
    };
    rows.into_iter().map(frame).collect()
}

/// Takes away frames older than a time, as retention does by whole days.
///
/// # Errors
/// When the database fails.
pub async fn forget_frames(db: &mut PgConnection, before: Timestamp) -> anyhow::Result<()> {
    let before = jiff_sqlx::Timestamp::from(before);
    sqlx::query("DELETE FROM frames WHERE ts < $1").bind(before).execute(db).await?;
    Ok(())
}

/// How many marks there are of hours that have to be looked at.
///
/// # Errors
/// When the database fails.
pub async fn marks(db: &mut PgConnection) -> anyhow::Result<i64> {
    Ok(sqlx::query_scalar("SELECT count(*) FROM dirty_hours").fetch_one(db).await?)
}

/// Keeps the secret of a recipient as earlier versions did.
///
/// # Errors
/// When the database fails.
pub async fn keep_plain_secret(
    db: &mut PgConnection,
    id: RecipientId,
    secret: &str,
) -> anyhow::Result<()> {
    sqlx::query("UPDATE recipients SET secret = $2, sealed_secret = NULL WHERE id = $1")
        .bind(id.0)
        .bind(secret)
        .execute(db)
        .await?;
    Ok(())
}

/// The shared Postgres, with the template made. Started on first use and left running for the next
/// test program; `POOLWATCH_TEST_POSTGRES` names its folder.
async fn server() -> anyhow::Result<PgConnectOptions> {
    let folder = env::var_os("POOLWATCH_TEST_POSTGRES").map_or_else(
        || env::temp_dir().join(format!("poolwatch-tests-{}", nix::unistd::Uid::effective())),
        PathBuf::from,
    );
    let lock_path = folder.with_extension("lock");
    let lock = File::create(&lock_path).with_context(|| lock_path.display().to_string())?;
    // Other test programs wait here until the server runs and the template stands.
    let lock = tokio::task::spawn_blocking(move || lock.lock().map(|()| lock)).await??;
    let options = Embedded::start(&folder, Durability::None).await?.options();
    make_template(&options).await?;
    lock.unlock()?;
    Ok(options)
}

async fn make_template(server: &PgConnectOptions) -> anyhow::Result<()> {
    let template = format!("template_{}", crate::schema_fingerprint());
    let mut admin = PgConnection::connect_with(server).await?;
    let names: Vec<String> =
        sqlx::query_scalar("SELECT datname FROM pg_database").fetch_all(&mut admin).await?;
    if !names.contains(&template) {
        let building = format!("building_{}", Uuid::now_v7().simple());
        sqlx::query(AssertSqlSafe(format!("CREATE DATABASE {building}")))
            .execute(&mut admin)
            .await?;
        let mut connection =
            PgConnection::connect_with(&server.clone().database(&building)).await?;
        crate::migrate(&mut connection).await?;
        connection.close().await?;
        let rename = format!("ALTER DATABASE {building} RENAME TO {template}");
        sqlx::query(AssertSqlSafe(rename)).execute(&mut admin).await?;
    }
    for name in names.iter().filter(|name| is_left_over(name)) {
        let drop = format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)");
        sqlx::query(AssertSqlSafe(drop)).execute(&mut admin).await?;
    }
    admin.close().await?;
    Ok(())
}

fn is_left_over(name: &str) -> bool {
    let seconds = |uuid: Uuid| uuid.get_timestamp().map_or(0, |at| at.to_unix().0);
    name.strip_prefix("t_")
        .and_then(|id| Uuid::parse_str(id).ok())
        .is_some_and(|id| seconds(id) + LEFT_OVER_S < seconds(Uuid::now_v7()))
}
