//! The Debian package: made, installed below a folder of its own, configured, served from, upgraded and
//! removed.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use tempfile::TempDir;

use crate::{cluster::Cluster, world};

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

fn succeed(command: &mut Command) -> Output {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {words}");
    output
}

/// Makes the package of a version, uncompressed.
fn make_package(version: &str, folder: &Path) -> PathBuf {
    let mut command = Command::new("tools/deb.sh");
    command.current_dir(ROOT).env("DEB_PROGRAM", world::program("poolwatch-server"));
    command.env("DEB_VERSION", version).env("DEB_FOLDER", folder).env("DEB_COMPRESSION", "none");
    let made = succeed(&mut command);
    PathBuf::from(String::from_utf8(made.stdout).unwrap().trim())
}

/// A folder that packages are installed below, with a package database of its own.
struct InstallRoot(TempDir);

impl InstallRoot {
    fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("poolwatch-root.").tempdir().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        for part in ["info", "updates", "triggers"] {
            fs::create_dir_all(folder.path().join("var/lib/dpkg").join(part)).unwrap();
        }
        fs::create_dir(folder.path().join("etc")).unwrap();
        for file in ["status", "available"] {
            fs::write(folder.path().join("var/lib/dpkg").join(file), "").unwrap();
        }
        Self(folder)
    }

    fn path(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }

    /// Its scripts run on this machine and are told where the package goes; what it depends on is not
    /// below this folder.
    fn dpkg(&self, arguments: &[&str]) {
        let root = format!("--root={}", self.0.path().display());
        let mut command = Command::new("dpkg");
        command.args([&root, "--force-script-chrootless", "--force-depends", "--force-not-root"]);
        succeed(command.args(arguments));
    }

    fn server(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(self.path("usr/bin/poolwatch-server"));
        command.args(arguments).env_remove("DATABASE_URL");
        command.env("POOLWATCH_CONFIG", self.path("etc/poolwatch/server.toml"));
        command
    }
}

#[tokio::test]
#[ignore = "takes a while: make test and make soak run it"]
async fn the_package_is_installed_configured_served_from_upgraded_and_removed() {
    let (made, root) = (tempfile::tempdir().unwrap(), InstallRoot::new());
    let package = make_package("0.1.0", made.path());
    root.dpkg(&["--install", package.to_str().unwrap()]);
    let settings = root.path("etc/poolwatch/server.toml");
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&settings), 0o640, "it may hold passwords");
    let unit = root.path("usr/lib/systemd/system/poolwatch-server.service");
    let mut rate = Command::new("systemd-analyze");
    succeed(rate.args(["security", "--offline=yes", "--threshold=15"]).arg(unit));
    let users = fs::read_to_string(root.path("etc/passwd")).unwrap();
    assert!(users.contains("poolwatch:") && users.contains("/var/lib/poolwatch"), "{users}");
    let version = succeed(&mut root.server(&["--version"])).stdout;
    assert!(String::from_utf8_lossy(&version).contains(env!("CARGO_PKG_VERSION")));

    // As it is installed no database is named, and it says so.
    let check = root.server(&["config", "check"]).output().unwrap();
    let words = String::from_utf8_lossy(&check.stderr).into_owned();
    assert!(!check.status.success() && words.contains("no database"), "{words}");
    let postgres = Cluster::start().await;
    let data = tempfile::tempdir().unwrap();
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let own = format!(
        "database_url = \"{}\"\ndata_dir = \"{}\"\nlisten = \"{free}\"\n",
        Cluster::url_by(postgres.address),
        data.path().display()
    );
    fs::write(&settings, &own).unwrap();
    let check = succeed(&mut root.server(&["config", "check"]));
    let words = String::from_utf8_lossy(&check.stdout).into_owned();
    assert!(words.contains("The server can start.") && words.contains("file"), "{words}");
    assert!(!words.contains("postgres://"), "a secret is not told: {words}");

    let mut server = root.server(&["serve"]).spawn().unwrap();
    let begun = std::time::Instant::now();
    while !root.server(&["health"]).output().unwrap().status.success() {
        assert!(begun.elapsed().as_secs() < 60, "it is not ready");
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
    let pid = server.id().to_string();
    succeed(Command::new("kill").args(["-TERM", &pid]));
    assert!(server.wait().unwrap().success());
    assert!(!root.server(&["health"]).output().unwrap().status.success(), "nobody is there");

    let later = make_package("0.1.1", made.path());
    root.dpkg(&["--install", later.to_str().unwrap()]);
    assert_eq!(fs::read_to_string(&settings).unwrap(), own, "settings stay");
    root.dpkg(&["--remove", "poolwatch-server"]);
    assert!(settings.exists() && !root.path("usr/bin/poolwatch-server").exists());
    root.dpkg(&["--purge", "poolwatch-server"]);
    assert!(!settings.exists());
}
