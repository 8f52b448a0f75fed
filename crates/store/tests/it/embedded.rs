//! The private Postgres: what others plant in its folder, and what others do to it meanwhile.

use std::{
    fs::{self, Permissions},
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use poolwatch_store::embedded::{Durability, Embedded, EmbeddedError};
use sqlx::{Connection, PgConnection};
use tempfile::TempDir;

/// A folder that the user of Postgres may enter, whoever runs the tests.
fn folder() -> (TempDir, PathBuf) {
    let outer = tempfile::tempdir().unwrap();
    fs::set_permissions(outer.path(), Permissions::from_mode(0o711)).unwrap();
    let folder = outer.path().join("postgres");
    (outer, folder)
}

async fn start(folder: &Path) -> Result<Embedded, EmbeddedError> {
    Embedded::start(folder, Durability::None).await
}

#[tokio::test]
async fn a_link_in_the_sockets_folder_leads_to_nothing() {
    let (outer, folder) = folder();
    let precious = outer.path().join("precious");
    fs::write(&precious, "as it was").unwrap();
    let first = start(&folder).await.unwrap();
    for program in ["pg_ctl", "initdb", "mkdir"] {
        let planted = folder.join(format!("run/{program}.{}.err", std::process::id()));
        symlink(&precious, planted).unwrap();
    }
    first.stop().await.unwrap();
    start(&folder).await.unwrap().stop().await.unwrap();
    assert_eq!(fs::read_to_string(&precious).unwrap(), "as it was");

    fs::remove_dir_all(folder.join("run")).unwrap();
    let elsewhere = outer.path().join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    symlink(&elsewhere, folder.join("run")).unwrap();
    let refused = start(&folder).await;
    assert!(matches!(refused, Err(EmbeddedError::NotPrivate(path)) if path.ends_with("run")));
}

#[tokio::test]
async fn one_that_ends_while_its_server_starts_again_is_waited_for() {
    let (_outer, folder) = folder();
    let first = start(&folder).await.unwrap();
    let held = PgConnection::connect_with(&first.options()).await.unwrap();
    let pid = fs::read_to_string(folder.join("data/postmaster.pid")).unwrap();
    // It takes no connection any more and waits for those there are.
    let pid = pid.lines().next().unwrap();
    assert!(Command::new("kill").args(["-TERM", pid]).status().unwrap().success());
    let release = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        held.close().await.unwrap();
    };
    let (again, ()) = tokio::join!(start(&folder), release);
    let again = again.unwrap();
    assert!(!again.adopted());
    PgConnection::connect_with(&again.options()).await.unwrap().close().await.unwrap();
    again.stop().await.unwrap();
}
