//! A private Postgres, run from the machine's own binaries: for the demo, small fleets and tests.
//!
//! It listens on a Unix socket alone, in a folder that only its user may enter. A Postgres that an
//! earlier run left behind (after a kill) is adopted, not fought.

use std::{
    env,
    fs::{self, File},
    io::{self, Read, Seek},
    os::unix::fs::{DirBuilderExt, MetadataExt, lchown},
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use nix::{
    sys::sysinfo::sysinfo,
    unistd::{Uid, User},
};
use rustix::fs::{MemfdFlags, memfd_create};
use sqlx::{Connection, PgConnection, postgres::PgConnectOptions};
use tokio::{
    net::UnixStream,
    process::Command,
    time::{Instant, sleep},
};

/// Name of the superuser and of the database.
const NAME: &str = "poolwatch";
/// Longest path of a Unix socket (Linux, `sun_path`), less the name that Postgres appends.
const SOCKET_DIR_BYTES: usize = 107 - "/".len() - SOCKET.len();
/// A Postgres that another process starts or stops at this moment is waited for so long.
const PATIENCE: Duration = Duration::from_secs(60);
const TRY_EVERY: Duration = Duration::from_millis(500);
/// What a command says, as far as it is read.
const OUTPUT_BYTES: u64 = 16 << 10;
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
    /// A folder that others could put something into.
    #[error(
        "{0} belongs to another user than the one that runs PostgreSQL, or others may write to it; \
         remove it, or choose another folder"
    )]
    NotPrivate(PathBuf),
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
        this.make_private_folder(folder)?;
        this.make_folder_as_user(&this.sockets).await?;
        if !this.data.join("PG_VERSION").exists() {
            this.initialize().await?;
        }
        let begun = Instant::now();
        // One that is about to end counts as running, and one that another process has just
        // started does not answer yet.
        while let Err(error) = this.launch_or_adopt().await {
            if begun.elapsed() > PATIENCE {
                return Err(error);
            }
            sleep(TRY_EVERY).await;
        }
        Ok(this)
    }

    async fn launch_or_adopt(&mut self) -> Result<(), EmbeddedError> {
        let status = self.command("pg_ctl", &["status"]).status().await;
        self.adopted = status.is_ok_and(|status| status.success());
        if !self.adopted {
            self.launch().await?;
        }
        self.create_database().await
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
    /// When it does not start, where the next attempt may do, once what the dead one left is gone;
    /// or when the system does not let it be looked at.
    pub async fn revive(&self) -> Result<bool, EmbeddedError> {
        let socket = self.sockets.join(SOCKET);
        match UnixStream::connect(&socket).await {
            Ok(_) => Ok(false),
            Err(error) if is_nobody_there(&error) => self.launch().await.map(|()| true),
            Err(error) => Err(EmbeddedError::File { path: socket, error }),
        }
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
             -c max_wal_size=4GB -c checkpoint_timeout=15min -c jit=off",
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

    /// A folder of the user that Postgres runs as.
    fn make_private_folder(&self, path: &Path) -> Result<(), EmbeddedError> {
        let failed = |error| EmbeddedError::File { path: path.to_owned(), error };
        if fs::symlink_metadata(path).is_err() {
            if let Some(parent) = path.parent() {
                fs::create_dir_all(parent).map_err(failed)?;
            }
            fs::DirBuilder::new().mode(0o700).create(path).map_err(failed)?;
            if let Some(user) = &self.user {
                lchown(path, Some(user.uid.as_raw()), Some(user.gid.as_raw())).map_err(failed)?;
            }
        }
        self.check_private(path)
    }

    /// The same inside a folder of that user: made by that user, who could have put a link there.
    async fn make_folder_as_user(&self, path: &Path) -> Result<(), EmbeddedError> {
        if fs::symlink_metadata(path).is_err() {
            let mut mkdir = self.command_as_user(Path::new("mkdir"));
            mkdir.args(["-m", "700"]).arg(path);
            self.run_command("mkdir", mkdir).await?;
        }
        self.check_private(path)
    }

    fn check_private(&self, path: &Path) -> Result<(), EmbeddedError> {
        let failed = |error| EmbeddedError::File { path: path.to_owned(), error };
        let found = fs::symlink_metadata(path).map_err(failed)?;
        let owner = self.user.as_ref().map_or(Uid::effective(), |user| user.uid).as_raw();
        let is_private = found.is_dir() && found.uid() == owner && found.mode() & 0o022 == 0;
        if is_private { Ok(()) } else { Err(EmbeddedError::NotPrivate(path.to_owned())) }
    }

    fn command(&self, program: &'static str, arguments: &[&str]) -> Command {
        let mut command = self.command_as_user(&self.binaries.join(program));
        command.arg("-D").arg(&self.data).args(arguments);
        command
    }

    fn command_as_user(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command
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
        self.run_command(program, self.command(program, arguments)).await
    }

    async fn run_command(
        &self,
        program: &'static str,
        mut command: Command,
    ) -> Result<(), EmbeddedError> {
        let failed = |error| EmbeddedError::File { path: self.binaries.join(program), error };
        // The server that pg_ctl leaves behind inherits its outputs: a pipe would never close, and a
        // file would have a name that somebody can put a link at.
        let mut output: File = memfd_create(program, MemfdFlags::CLOEXEC)
            .map_err(|error| failed(error.into()))?
            .into();
        command.stderr(output.try_clone().map_err(failed)?);
        let status = command.status().await.map_err(failed)?;
        if status.success() {
            return Ok(());
        }
        let mut said = Vec::new();
        output.rewind().map_err(failed)?;
        output.take(OUTPUT_BYTES).read_to_end(&mut said).map_err(failed)?;
        let output = String::from_utf8_lossy(&said).trim().to_owned();
        Err(EmbeddedError::Command { command: program, output })
    }
}

/// Whether nothing listens on a socket; other errors tell of this process, not of the other.
fn is_nobody_there(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused)
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
pub async fn find_binaries() -> Option<PathBuf> {
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
        for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
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
    fn what_this_process_lacks_is_no_death_of_the_other() {
        let error = |code| io::Error::from_raw_os_error(code);
        let (no_file, refused, too_many_files) = (error(2), error(111), error(24));
        assert!(is_nobody_there(&no_file) && is_nobody_there(&refused));
        assert!(!is_nobody_there(&too_many_files));
    }

    #[test]
    fn a_long_folder_gets_a_short_socket_path_and_always_the_same() {
        let long = PathBuf::from("/very").join("long".repeat(40));
        let sockets = socket_folder(&long);
        assert!(sockets.as_os_str().len() <= SOCKET_DIR_BYTES);
        assert_eq!(socket_folder(&long), sockets);
        assert_eq!(socket_folder(Path::new("/srv/pw")), Path::new("/srv/pw/run"));
    }
}
