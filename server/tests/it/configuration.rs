//! Where settings come from, and what is said of those that are wrong, before anything is started.

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Output},
};

use poolwatch_server::{
    cli::{DatabaseOptions, reference},
    database::Database,
};
use poolwatch_store::{schema, testing};
use sqlx::{Connection, PgConnection};

use crate::program::{program, url_of};

/// What the program ends with whose configuration is wrong.
const WRONG: Option<i32> = Some(78);

fn said(output: &Output) -> String {
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    text(&output.stdout) + &text(&output.stderr)
}

/// `config check` with a file of settings.
fn check_with(file: &Path) -> Command {
    let mut command = program();
    command.env("POOLWATCH_CONFIG", file).args(["config", "check"]);
    command
}

/// The line of a setting.
fn line<'a>(said: &'a str, name: &str) -> Vec<&'a str> {
    let line = said.lines().find(|line| line.split(' ').next() == Some(name));
    line.unwrap_or_else(|| panic!("no {name} in {said}")).split_whitespace().collect()
}

#[test]
fn the_reference_of_settings_is_current() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/configuration.md");
    assert!(
        fs::read_to_string(page).unwrap() == reference::render(),
        "write it anew: poolwatch-server config reference > docs/configuration.md"
    );
}

#[test]
fn an_option_counts_more_than_a_variable_and_that_more_than_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("server.toml");
    let text = "listen = '127.0.0.1:1'\ninterval_s = 30\npublic_url = 'https://file.test'\n\
                mail_to = ['a@b.test', 'c@d.test']\ndatabase_url = 'postgres://x:secret@y/z'\n\
                log_format = 'json'\n";
    fs::write(&file, text).unwrap();
    let mut command = check_with(&file);
    command.args(["--public-url", "https://option.test", "--database", "embedded"]);
    command.arg("--data-dir").arg(folder.path());
    command.env("POOLWATCH_INTERVAL_S", "40").env("POOLWATCH_PUBLIC_URL", "https://variable.test");
    let said = said(&command.output().unwrap());
    assert_eq!(line(&said, "listen"), ["listen", "127.0.0.1:1", "file"]);
    assert_eq!(line(&said, "interval_s"), ["interval_s", "40", "environment"]);
    assert_eq!(line(&said, "public_url"), ["public_url", "https://option.test", "command", "line"]);
    assert_eq!(line(&said, "mail_to"), ["mail_to", "a@b.test,", "c@d.test", "file"]);
    assert_eq!(line(&said, "log_format"), ["log_format", "json", "file"]);
    assert_eq!(line(&said, "keep_full_hours"), ["keep_full_hours", "(not", "set)", "default"]);
    // The option names another database: the file's is put aside.
    assert_eq!(line(&said, "database"), ["database", "embedded", "command", "line"]);
    assert_eq!(line(&said, "database_url"), ["database_url", "(not", "set)", "default"]);
    assert!(!said.contains("secret@"), "{said}");
}

#[test]
fn what_is_unknown_or_cannot_be_is_named_and_starts_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("server.toml");
    let data = folder.path().join("data");
    for (text, words) in [
        ("litsen = '127.0.0.1:1'", "no setting `litsen`"),
        ("tls-cert = 'x'", "it is called `tls_cert`"),
        ("listen = 'everywhere'", "--listen"),
        ("interval_s = 5", "--interval-s"),
        ("tls_cert = '/x.pem'", "--tls-key"),
        ("database = 'embedded'\ndatabase_url = 'postgres://x'", "cannot be used with"),
        ("listen = ", "line 1"),
    ] {
        fs::write(&file, text).unwrap();
        let mut serve = program();
        serve.env("POOLWATCH_CONFIG", &file).arg("serve").arg("--data-dir").arg(&data);
        for mut command in [check_with(&file), serve] {
            let output = command.output().unwrap();
            assert_eq!(output.status.code(), WRONG, "{text}: {}", said(&output));
            assert!(said(&output).contains(words), "{text}: {}", said(&output));
        }
    }
    assert!(!data.exists(), "nothing half started");
    let missing = check_with(&folder.path().join("missing.toml")).output().unwrap();
    assert_eq!(missing.status.code(), WRONG);
    assert!(said(&missing).contains("there is no such file"));
}

#[test]
fn what_contradicts_in_part_is_a_warning_in_words() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("server.toml");
    fs::write(&file, "database_url = 'postgres://x:y@127.0.0.1:1/z'\ntls = 'off'\n").unwrap();
    fs::set_permissions(&file, Permissions::from_mode(0o644)).unwrap();
    let mut command = check_with(&file);
    command.env("POOLWATCH_LITSEN", "x").env("POOLWATCH_OIDC_SCOPES", "email");
    command.args(["--mail-from", "p@x.test", "--data-dir"]).arg(folder.path());
    let output = command.output().unwrap();
    let said = said(&output);
    assert!(!output.status.success(), "the database is not there");
    for words in [
        "POOLWATCH_LITSEN sets nothing",
        "every user of this machine can read it",
        "The server does no TLS and trusted_proxies names no proxy",
        "mail_from has no effect",
        "have no effect without oidc_issuer",
        "Error: connecting to the database",
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }
}

fn write_certificate(folder: &Path, until: i32) -> rcgen::KeyPair {
    let mut parameters = rcgen::CertificateParams::new(["poolwatch.test".to_owned()]).unwrap();
    parameters.not_after = rcgen::date_time_ymd(until, 1, 15);
    let key = rcgen::KeyPair::generate().unwrap();
    fs::write(folder.join("server.pem"), parameters.self_signed(&key).unwrap().pem()).unwrap();
    fs::write(folder.join("server.key"), key.serialize_pem()).unwrap();
    key
}

#[test]
fn a_certificate_that_expired_or_belongs_to_another_key_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let check = || {
        let mut command = check_with(Path::new("/dev/null"));
        command.args(["--database", "embedded", "--data-dir"]).arg(folder.path());
        command.arg("--tls-cert").arg(folder.path().join("server.pem"));
        command.arg("--tls-key").arg(folder.path().join("server.key")).output().unwrap()
    };
    let first = write_certificate(folder.path(), 2020);
    let expired = check();
    assert!(expired.status.success(), "{}", said(&expired));
    assert!(said(&expired).contains("The certificate expired at 2020-01-15"), "{}", said(&expired));
    write_certificate(folder.path(), 2090);
    assert!(!said(&check()).contains("certificate"), "{}", said(&check()));
    fs::write(folder.path().join("server.key"), first.serialize_pem()).unwrap();
    let other = check();
    assert!(!other.status.success() && said(&other).contains("server.key"), "{}", said(&other));
}

#[test]
fn a_disk_that_is_full_is_told_before_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let mounted = Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=8m", "tmpfs"])
        .arg(folder.path())
        .output();
    if !mounted.is_ok_and(|mounted| mounted.status.success()) {
        println!("Skipped: mounting a small file system is not permitted here");
        return;
    }
    let run = |arguments: &[&str]| {
        let mut command = program();
        command.args(arguments).args(["--database", "embedded", "--data-dir"]);
        command.arg(folder.path()).output()
    };
    let (check, serve) = (run(&["config", "check"]), run(&["serve", "--tls", "off"]));
    let is_begun = folder.path().join("postgres").exists();
    let _ = Command::new("umount").arg("-l").arg(folder.path()).status();
    for output in [check.unwrap(), serve.unwrap()] {
        let words = said(&output);
        assert!(!output.status.success() && words.contains("is full: 8 MB are free"), "{words}");
    }
    assert!(!is_begun, "nothing half started");
}

#[tokio::test]
async fn a_schema_from_the_future_is_refused_in_words_before_anything_is_changed() {
    let options = testing::database_options().await.unwrap();
    let mut db = PgConnection::connect_with(&options).await.unwrap();
    // As a later version leaves it, with a migration of this one that was not made yet.
    let later = 20_991_231_000_000_i64;
    sqlx::query(
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
         VALUES ($1, 'later', true, '', 0)",
    )
    .bind(later)
    .execute(&mut db)
    .await
    .unwrap();
    for sql in [
        "CREATE TABLE newest AS SELECT * FROM _sqlx_migrations WHERE version < 20990000000000
             ORDER BY version DESC LIMIT 1",
        "DELETE FROM _sqlx_migrations USING newest WHERE _sqlx_migrations.version = newest.version",
    ] {
        sqlx::query(sql).execute(&mut db).await.unwrap();
    }
    let before = schema::inspect(&mut db).await.unwrap();
    assert_eq!(
        (before.newest, before.missing, &before.unknown[..]),
        (Some(later), 1, &[later][..])
    );
    let words = format!("migrated by a later version of Poolwatch: it has schema {later}");
    let data = tempfile::tempdir().unwrap();
    for command in [
        &["serve", "--tls", "off", "--listen", "127.0.0.1:0"][..],
        &["config", "check"],
        &["migrate"],
    ] {
        let mut program = program();
        program.args(command).args(["--database-url", &url_of(&options), "--data-dir"]);
        let output = program.arg(data.path()).output().unwrap();
        assert!(!output.status.success() && said(&output).contains(&words), "{}", said(&output));
    }
    assert_eq!(schema::inspect(&mut db).await.unwrap(), before, "nothing was changed");

    let restore = "INSERT INTO _sqlx_migrations SELECT * FROM newest";
    sqlx::query(restore).execute(&mut db).await.unwrap();
    let accepting = DatabaseOptions {
        database: None,
        database_url: Some(url_of(&options)),
        data_dir: data.path().to_owned(),
        accept_later_schema: true,
    };
    Database::open(&accepting).await.unwrap().close(false).await.unwrap();
}
