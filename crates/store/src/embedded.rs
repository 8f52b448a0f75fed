//! A private Postgres, run from the machine's own binaries: for the demo, small fleets and tests.
//!
//! It listens on a Unix socket alone, in a folder that only its user may enter. A Postgres that an
//! earlier run left behind (after a kill) is adopted, not fought.

use std::{
    env, io,
    os::unix::fs::{DirBuilderExt, chown},
    path::{Path, PathBuf},
    process::Stdio,
};

use nix::{
    sys::sysinfo::sysinfo,
    unistd::{Uid, User},
};
use sqlx::{Connection, PgConnection, postgres::PgConnectOptions};
use tokio::{fs, net::UnixStream, process::Command};

/// Name of the superuser and of the database.
const NAME: &str = "poolwatch";
/// Longest path of a Unix socket (Linux, `sun_path`), less the name that Postgres appends.
const SOCKET_DIR_BYTES: usize = 107 - "/".len() - SOCKET.len();
/// What Postgres calls its socket.
const SOCKET: &str = ".s.PGSQL.5432";

/// Why a private Postgres could not be had.
#[derive(Debug, thiserror::Error)]
pub enum EmbeddedError {
    /// No server binaries on this machine.
    #[error(
        "no PostgreSQL server found (looked for initdb in PATH, `pg_config --bindir` and \
         /usr/lib/postgresql/*/bin); install it (Debian, Ubuntu: apt-get install postgresql) or \
         set DATABASE_URL"
    )]
    NotInstalled,
    /// Started as root, and there is no user to run it as.
    #[error(
        "PostgreSQL refuses to run as root, and there is neither a user `postgres` nor `nobody`"
    )]
    NoUser,
    /// A file could not be made or read.
    #[error("{path}: {error}")]
    File {
        /// Which.
        path: PathBuf,
        /// What happened.
        error: io::Error,
    },
    /// A command failed.
    #[error("{command} failed: {output}")]
    Command {
        /// Which.
        command: &'static str,
        /// What it said.
        output: String,
    },
    /// It runs, but a connection failed.
    #[error("connecting: {0}")]
    Connection(#[from] sqlx::Error),
}

/// How careful it is with its data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// Survives a loss of power.
    Full,
    /// May lose everything at a loss of power; for tests.
    None,
}

/// A running private Postgres.
#[derive(Debug, Clone)]
pub struct Embedded {
    binaries: PathBuf,
    user: Option<User>,
    folder: PathBuf,
    data: PathBuf,
    sockets: PathBuf,
    durability: Durability,
    adopted: bool,
}

impl Embedded {
    /// Starts the Postgres of a folder, made on first use, or adopts it when it runs already.
    ///
    /// # Errors
    /// When there are no binaries, or the folder cannot be used.
    pub async fn start(folder: &Path, durability: Durability) -> Result<Self, EmbeddedError> {
        let folder = &absolute(folder)?;
        let user = if Uid::effective().is_root() { Some(unprivileged_user()?) } else { None };
        let mut this = Self {
            binaries: find_binaries().await.ok_or(EmbeddedError::NotInstalled)?,
            sockets: socket_folder(folder),
            data: folder.join("data"),
            folder: folder.clone(),
            user,
            durability,
            adopted: false,
        };
        for made in [folder, &this.sockets] {
            this.make_private_folder(made)?;
        }
        if !this.data.join("PG_VERSION").exists() {
            this.initialize().await?;
        }
        let status = this.command("pg_ctl", &["status"]).status().await;
        this.adopted = status.is_ok_and(|status| status.success());
        if !this.adopted {
            this.launch().await?;
        }
        this.create_database().await?;
        Ok(this)
    }

    /// Whether it ran already.
    #[must_use]
    pub fn adopted(&self) -> bool {
        self.adopted
    }

    /// How to connect to it.
    #[must_use]
    pub fn options(&self) -> PgConnectOptions {
        PgConnectOptions::new().socket(&self.sockets).username(NAME).database(NAME)
    }

    /// Starts it again when it has died. Returns whether it had.
    ///
    /// # Errors
    /// When it does not start. The next attempt may do, once what the dead one left is gone.
    pub async fn revive(&self) -> Result<bool, EmbeddedError> {
        if UnixStream::connect(self.sockets.join(SOCKET)).await.is_ok() {
            return Ok(false);
        }
        self.launch().await?;
        Ok(true)
    }

    /// Stops it, disconnecting whoever is connected.
    ///
    /// # Errors
    /// When it does not stop within a minute.
    pub async fn stop(self) -> Result<(), EmbeddedError> {
        self.run("pg_ctl", &["stop", "-m", "fast", "-w", "-t", "60"]).await
    }

    async fn initialize(&self) -> Result<(), EmbeddedError> {
        let mut arguments =
            vec!["-U", NAME, "-A", "trust", "-E", "UTF8", "--locale=C", "--data-checksums"];
        if self.durability == Durability::None {
            arguments.push("--no-sync");
        }
        self.run("initdb", &arguments).await
    }

    async fn launch(&self) -> Result<(), EmbeddedError> {
        let mut options = format!(
            "-c listen_addresses= -c unix_socket_permissions=0700 \
             -c unix_socket_directories='{}' -c max_connections=200 -c shared_buffers={}MB \
             -c max_wal_size=4GB -c checkpoint_timeout=15min",
            self.sockets.display(),
            shared_buffers_mb(),
        );
        if self.durability == Durability::None {
            options += " -c fsync=off -c synchronous_commit=off -c full_page_writes=off";
        }
        let log = self.folder.join("postgres.log");
        let log = log.to_string_lossy();
        self.run("pg_ctl", &["start", "-w", "-t", "60", "-l", &log, "-o", &options]).await
    }

    async fn create_database(&self) -> Result<(), EmbeddedError> {
        let mut connection =
            PgConnection::connect_with(&self.options().database("postgres")).await?;
        let exists = sqlx::query_scalar!(
            "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1) AS \"exists!\"",
            NAME,
        )
        .fetch_one(&mut connection)
        .await?;
        if !exists {
            sqlx::query("CREATE DATABASE poolwatch").execute(&mut connection).await?;
        }
        connection.close().await?;
        Ok(())
    }

    fn make_private_folder(&self, path: &Path) -> Result<(), EmbeddedError> {
        let failed = |error| EmbeddedError::File { path: path.to_owned(), error };
        if !path.exists() {
            if let Some(parent) = path.parent() {
                std::fs::create_dir_all(parent).map_err(failed)?;
            }
            std::fs::DirBuilder::new().mode(0o700).create(path).map_err(failed)?;
            if let Some(user) = &self.user {
                chown(path, Some(user.uid.as_raw()), Some(user.gid.as_raw())).map_err(failed)?;
            }
        }
        Ok(())
    }

    fn command(&self, program: &'static str, arguments: &[&str]) -> Command {
        let mut command = Command::new(self.binaries.join(program));
        command
            .arg("-D")
            .arg(&self.data)
            .args(arguments)
            .current_dir("/")
            .env("LC_ALL", "C")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        if let Some(user) = &self.user {
            command.uid(user.uid.as_raw()).gid(user.gid.as_raw());
        }
        command
    }

    async fn run(&self, program: &'static str, arguments: &[&str]) -> Result<(), EmbeddedError> {
        // The server that pg_ctl leaves behind inherits its outputs: a pipe would never close.
        let file = tempfile_in(&self.sockets, program).await?;
        let mut command = self.command(program, arguments);
        if let Ok(output) = std::fs::File::create(&file) {
            command.stderr(output);
        }
        let status = command
            .status()
            .await
            .map_err(|error| EmbeddedError::File { path: self.binaries.join(program), error })?;
        let output = fs::read_to_string(&file).await.unwrap_or_default();
        let _ = fs::remove_file(&file).await;
        if status.success() {
            return Ok(());
        }
        Err(EmbeddedError::Command { command: program, output: output.trim().to_owned() })
    }
}

/// A file beside the sockets that takes the output of a command.
async fn tempfile_in(folder: &Path, program: &str) -> Result<PathBuf, EmbeddedError> {
    let path = folder.join(format!("{program}.{}.err", std::process::id()));
    fs::write(&path, b"")
        .await
        .map_err(|error| EmbeddedError::File { path: path.clone(), error })?;
    Ok(path)
}

fn absolute(folder: &Path) -> Result<PathBuf, EmbeddedError> {
    std::path::absolute(folder)
        .map_err(|error| EmbeddedError::File { path: folder.to_owned(), error })
}

fn unprivileged_user() -> Result<User, EmbeddedError> {
    ["postgres", "nobody"]
        .into_iter()
        .find_map(|name| User::from_name(name).ok().flatten())
        .ok_or(EmbeddedError::NoUser)
}

/// An eighth of the machine's memory, within what a small and a large fleet make use of.
fn shared_buffers_mb() -> u64 {
    const USUAL: u64 = 128;
    sysinfo().map_or(USUAL, |machine| (machine.ram_total() >> 23).clamp(USUAL, 1024))
}

/// A folder for the socket whose path is short enough for the kernel.
fn socket_folder(folder: &Path) -> PathBuf {
    let inside = folder.join("run");
    if inside.as_os_str().len() <= SOCKET_DIR_BYTES {
        return inside;
    }
    // FNV-1a: the same folder must lead to the same place after a restart.
    let hash =
        folder.as_os_str().as_encoded_bytes().iter().fold(0xcbf2_9ce4_8422_2325, |h, b| {
            (h ^ u64::from(*b)).wrapping_mul(0x0100_0000_01b3_u64)
        });
    env::temp_dir().join(format!("poolwatch-{hash:016x}"))
}

/// The folder with the server's binaries: PATH, what `pg_config` says, or the newest of the folders
/// that Debian and Red Hat use.
pub(crate) async fn find_binaries() -> Option<PathBuf> {
    let has_initdb = |folder: &PathBuf| folder.join("initdb").is_file();
    let in_path = env::var_os("PATH")
        .and_then(|path| env::split_paths(&path).find(has_initdb))
        .filter(|folder| folder.join("pg_ctl").is_file());
    if in_path.is_some() {
        return in_path;
    }
    if let Ok(output) = Command::new("pg_config").arg("--bindir").output().await {
        let folder = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
        if has_initdb(&folder) {
            return Some(folder);
        }
    }
    let mut found: Vec<(u32, PathBuf)> = Vec::new();
    for (parent, prefix) in [("/usr/lib/postgresql", ""), ("/usr", "pgsql-")] {
        for entry in std::fs::read_dir(parent).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let version = name.to_str().and_then(|name| name.strip_prefix(prefix)?.parse().ok());
            let folder = entry.path().join("bin");
            if let (Some(version), true) = (version, has_initdb(&folder)) {
                found.push((version, folder));
            }
        }
    }
    found.into_iter().max().map(|(_, folder)| folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_folder_gets_a_short_socket_path_and_always_the_same() {
        let long = PathBuf::from("/very").join("long".repeat(40));
        let sockets = socket_folder(&long);
        assert!(sockets.as_os_str().len() <= SOCKET_DIR_BYTES);
        assert_eq!(socket_folder(&long), sockets);
        assert_eq!(socket_folder(Path::new("/srv/pw")), Path::new("/srv/pw/run"));
    }
}
