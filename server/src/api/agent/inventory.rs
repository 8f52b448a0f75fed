//! `POST /agent/v1/inventory`: who a host is, and what is installed on it.

use axum::{Extension, Json, extract::State};
use poolwatch_model::{
    driver_scan::FileHash,
    host::{HostFacts, OsVersion},
    inventory::{Driver, Inventory, PoolSettings, Program, ProgramFile, TagListFile},
    text::{beginning, printable},
};
use poolwatch_protocol::v1::messages::{InventoryReply, InventoryRequest};
use poolwatch_store::{driver_scans, hosts, inventories, offered_tag_lists};
use sqlx::Connection;

use crate::{access::hosts::SendingHost, app::SharedApp, app_error::AppError};

/// Bytes of a name: the longest that DNS allows, and that Windows allows a file.
const NAME_BYTES: usize = 255;
/// Bytes of any other fact.
const FACT_BYTES: usize = 1024;
/// Drivers, updates and programs of a host, each.
const ROWS: usize = 10_000;
/// Files of programs that run.
const PROGRAM_FILES: usize = 256;

/// Lists of tags that wait for an operator.
const TAG_LISTS: i64 = 8;

/// Keeps a host's facts and inventory in place of those before. Texts are kept as far as they can be
/// stored and shown: one odd driver costs none of the others. The answer names the driver files that
/// this host is asked to scan for all, and says whether it is asked for its pooltag.txt.
///
/// # Errors
/// 400 for a name that no host has and too many rows, 503 when they cannot be stored now.
pub(in crate::api) async fn inventory(
    State(app): State<SharedApp>,
    Extension(SendingHost { key: host, arrived }): Extension<SendingHost>,
    Json(request): Json<InventoryRequest>,
) -> Result<Json<InventoryReply>, AppError> {
    let facts = storable_facts(request.facts)?;
    let inventory = request.inventory;
    let rows = [inventory.drivers.len(), inventory.updates.len(), inventory.programs.len()];
    if rows.into_iter().any(|rows| rows > ROWS) {
        return Err(AppError::bad_request(format!(
            "Send at most {ROWS} drivers, updates and programs, each."
        )));
    }
    if inventory.program_files.len() > PROGRAM_FILES {
        return Err(AppError::bad_request(format!(
            "Send at most {PROGRAM_FILES} files of programs."
        )));
    }
    let inventory = storable(inventory);
    let mut db = app.pool.acquire().await?;
    let mut transaction = db.begin().await?;
    hosts::update_facts(&mut transaction, host.id, &facts, arrived).await?;
    inventories::replace(&mut transaction, host.id, &inventory, arrived).await?;
    let files: Vec<FileHash> = inventory.drivers.iter().filter_map(|one| one.sha256).collect();
    let known = driver_scans::known(&mut transaction, &files, arrived).await?;
    let list = inventory.tag_list.as_ref().map(|list| list.sha256);
    let list_is_known = match list {
        Some(list) => offered_tag_lists::is_known(&mut transaction, list, TAG_LISTS).await?,
        None => true,
    };
    transaction.commit().await?;
    app.fleet.note_change_of(host.id);
    app.fleet.note_inventory_of(host.id);
    let unknown = files.into_iter().filter(|file| !known.contains(file));
    let requests = &app.fleet.scan_requests;
    let wanted_scans = requests.ask(host.id, unknown, arrived);
    let list = list.filter(|_| !list_is_known);
    let wants_tag_list = !requests.ask(host.id, list.into_iter(), arrived).is_empty();
    Ok(Json(InventoryReply { wanted_scans, wants_tag_list }))
}

fn storable(inventory: Inventory) -> Inventory {
    let drivers = inventory.drivers.into_iter().map(|driver| Driver {
        name: text(&driver.name, NAME_BYTES),
        path: driver.path.map(|path| text(&path, FACT_BYTES)),
        version: driver.version.map(|version| text(&version, NAME_BYTES)),
        company: driver.company.map(|company| text(&company, NAME_BYTES)),
        signer: driver.signer.map(|signer| text(&signer, NAME_BYTES)),
        service: driver.service.map(|service| text(&service, NAME_BYTES)),
        ..driver
    });
    let programs = inventory.programs.into_iter().map(|program| Program {
        name: text(&program.name, NAME_BYTES),
        version: program.version.map(|version| text(&version, NAME_BYTES)),
        publisher: program.publisher.map(|publisher| text(&publisher, NAME_BYTES)),
    });
    let program_files = inventory.program_files.into_iter().map(|file| ProgramFile {
        image: text(&file.image, NAME_BYTES),
        path: text(&file.path, FACT_BYTES),
        version: file.version.map(|version| text(&version, NAME_BYTES)),
        company: file.company.map(|company| text(&company, NAME_BYTES)),
    });
    let settings = inventory.pool_settings;
    Inventory {
        drivers: drivers.filter(|driver| !driver.name.is_empty()).collect(),
        updates: inventory.updates.iter().map(|update| text(update, NAME_BYTES)).collect(),
        programs: programs.collect(),
        program_files: program_files.collect(),
        tag_list: inventory
            .tag_list
            .map(|list| TagListFile { path: text(&list.path, FACT_BYTES), ..list }),
        cluster: inventory.cluster.map(|name| text(&name, NAME_BYTES)),
        machine_model: inventory.machine_model.map(|model| text(&model, NAME_BYTES)),
        role: inventory.role,
        pool_settings: PoolSettings {
            verify_drivers: settings.verify_drivers.map(|names| text(&names, FACT_BYTES)),
            ..settings
        },
    }
}

/// What a host says of itself, as far as it can be stored and shown.
///
/// # Errors
/// 400 for a name that no host has.
pub(super) fn storable_facts(facts: HostFacts) -> Result<HostFacts, AppError> {
    let name = &facts.fqdn;
    if name.is_empty() || name.len() > NAME_BYTES || name.chars().any(char::is_control) {
        return Err(AppError::bad_request(format!(
            "`facts.fqdn` has to be a name of 1 to {NAME_BYTES} bytes without control characters."
        )));
    }
    let short = |fact: Option<String>| fact.map(|fact| text(&fact, FACT_BYTES));
    Ok(HostFacts {
        os: facts.os.map(|os| OsVersion { product: text(&os.product, FACT_BYTES), ..os }),
        ou: short(facts.ou),
        site: short(facts.site),
        agent_version: short(facts.agent_version),
        ..facts
    })
}

fn text(text: &str, bytes: usize) -> String {
    printable(beginning(text, bytes)).into_owned()
}
