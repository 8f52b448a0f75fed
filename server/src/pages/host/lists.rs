//! All tags, processes, object types and drivers of a host, as pages and as files.

use std::{collections::HashMap, future::Future};

use axum::{
    Extension,
    extract::State,
    http::Uri,
    response::{Html, Response},
};
use poolwatch_analysis::catalogue::Catalogue;
use poolwatch_model::{
    HostId,
    driver_scan::{FileHash, FoundTag, OWNS},
    inventory::Driver,
};
use poolwatch_store::{driver_scans, inventories, is_of_stored_row};
use poolwatch_web::{
    Page,
    host::{
        ChartHours, DrawnFigures, HOST_DRIVERS, HOST_PROCESSES, HOST_TAGS, HOST_TYPES, HostDriver,
        HostListChoice, HostListFilter, HostListPage, HostQuery, HostSection, ProcessRow, TagRow,
        TypeRow,
    },
    list::{List, ListQuery, ListView},
    pool_choice::PoolChoice,
};
use sqlx::PgConnection;

use super::{
    judgement::{self, Known},
    no_such_host, tables,
    trends::{DrawnRow, Trends, figures},
};
use crate::{
    access::people::Person,
    app::SharedApp,
    app_error::AppError,
    fleet::visible::VisibleFleet,
    pages::{
        address,
        lists::{self, Parameters},
        rows, shell,
        text_match::holds_ignoring_case,
    },
    parameters::Path,
};

/// Tags of one driver that are shown, and rows of scans that are read for all of them.
const TAGS: usize = 12;
const SCANNED: i64 = 20_000;

/// A request for a list of a host.
pub(in crate::pages) struct Asked {
    pub(super) app: SharedApp,
    pub(super) visible: VisibleFleet,
    pub(super) host: HostId,
}

/// A list of a host.
pub(in crate::pages) trait HostList {
    /// What its rows are made of.
    type Row: DrawnRow + Clone + std::fmt::Debug + Send + 'static;
    /// What it is filtered by beside a text.
    type Choice: HostListChoice + std::fmt::Debug + Send;
    /// Its page.
    const SECTION: HostSection;

    /// Its columns.
    fn list() -> &'static List<Self::Row>;

    /// Every row.
    fn load(
        asked: &Asked,
        db: &mut PgConnection,
        known: &Known,
    ) -> impl Future<Output = Result<Vec<Self::Row>, AppError>> + Send;

    /// Whether a row is asked for; `text` is in small letters.
    fn is_wanted(choice: Self::Choice, text: &str, row: &Self::Row) -> bool;
}

/// All tags.
pub(in crate::pages) struct Tags;
/// All processes.
pub(in crate::pages) struct Processes;
/// All kernel object types.
pub(in crate::pages) struct Types;
/// All drivers.
pub(in crate::pages) struct Drivers;

/// The page of a list.
pub(in crate::pages) async fn page<L: HostList>(
    State(app): State<SharedApp>,
    Extension(person): Extension<Person>,
    visible: VisibleFleet,
    Path(id): Path<i32>,
    parameters: Parameters,
    uri: Uri,
) -> Result<Html<String>, AppError> {
    let asked = Asked { app, visible, host: HostId(id) };
    let query = lists::read(L::list(), L::SECTION.url(&asked.host), &parameters)?;
    let mut db = asked.app.pool.acquire().await?;
    let known = known(&asked, &mut db).await?;
    let rows = L::load(&asked, &mut db, &known).await?;
    let all = rows.len() as u64;
    let found = select::<L>(rows, &query);
    let mut list = ListView { all, ..lists::page(query, &found, Clone::clone) };
    if let Some(at) = known.summary.at {
        let drawn = figures(&list.rows).collect();
        Trends::load(&mut db, asked.host, at, drawn).await?.draw(&mut list.rows);
    }
    drop(db);
    let filter = &list.query.filter;
    let page = HostListPage {
        shell: shell(&asked.app, &person, address(&uri)),
        host: rows::link(&known.summary),
        section: L::SECTION,
        at: known.summary.at,
        query: HostQuery {
            draw: DrawnFigures::read(&filter.draw),
            hours: ChartHours::from_hours(&filter.hours).unwrap_or_default(),
            ..HostQuery::default()
        },
        list,
    };
    Ok(Html(page.render()?))
}

/// The same as files.
pub(in crate::pages) async fn file<L: HostList>(
    State(app): State<SharedApp>,
    Extension(_): Extension<Person>,
    visible: VisibleFleet,
    Path(id): Path<i32>,
    parameters: Parameters,
    uri: Uri,
) -> Result<Response, AppError> {
    let asked = Asked { app, visible, host: HostId(id) };
    let query = lists::read(L::list(), L::SECTION.url(&asked.host), &parameters)?;
    let mut db = asked.app.pool.acquire().await?;
    let known = known(&asked, &mut db).await?;
    let rows = L::load(&asked, &mut db, &known).await?;
    lists::file(L::list(), &select::<L>(rows, &query), Clone::clone, &uri)
}

/// What is known of the host.
async fn known(asked: &Asked, db: &mut PgConnection) -> Result<Known, AppError> {
    asked.visible.require_host(asked.host)?;
    let now = asked.app.clock.now();
    let known = judgement::known(&asked.app, &asked.visible, db, asked.host, now).await?;
    known.ok_or_else(no_such_host)
}

/// The rows of a query, in its order.
fn select<L: HostList>(
    mut rows: Vec<L::Row>,
    query: &ListQuery<L::Row, HostListFilter<L::Choice>>,
) -> Vec<L::Row> {
    let text = query.filter.q.trim().to_lowercase();
    rows.retain(|row| L::is_wanted(query.filter.choice, &text, row));
    query.sort_rows(&mut rows);
    rows
}

fn tables_of<'a>(
    known: &'a Known,
    query: &'a HostQuery,
    catalogue: &'a Catalogue,
) -> Option<tables::Tables<'a>> {
    Some(tables::Tables { snapshot: known.snapshot.as_ref()?, known, query, catalogue })
}

impl HostList for Tags {
    type Row = TagRow;
    type Choice = PoolChoice;
    const SECTION: HostSection = HostSection::Tags;

    fn list() -> &'static List<TagRow> {
        &HOST_TAGS
    }

    async fn load(
        asked: &Asked,
        _: &mut PgConnection,
        known: &Known,
    ) -> Result<Vec<TagRow>, AppError> {
        let catalogue = asked.app.tag_names.catalogue();
        let query = HostQuery::default();
        let tables = tables_of(known, &query, &catalogue);
        Ok(tables.map(|tables| tables.all_tags()).unwrap_or_default())
    }

    fn is_wanted(choice: PoolChoice, text: &str, row: &TagRow) -> bool {
        let meaning = row.meaning.as_ref();
        let owner = meaning.and_then(|meaning| meaning.owner.as_deref());
        let told = [meaning.map(|meaning| meaning.text.as_str()), owner];
        choice.shows(row.pool)
            && (holds_ignoring_case(&row.tag.to_string(), text)
                || told.into_iter().flatten().any(|told| holds_ignoring_case(told, text)))
    }
}

impl HostList for Processes {
    type Row = ProcessRow;
    type Choice = ();
    const SECTION: HostSection = HostSection::Processes;

    fn list() -> &'static List<ProcessRow> {
        &HOST_PROCESSES
    }

    async fn load(
        asked: &Asked,
        _: &mut PgConnection,
        known: &Known,
    ) -> Result<Vec<ProcessRow>, AppError> {
        let catalogue = asked.app.tag_names.catalogue();
        let query = HostQuery::default();
        let tables = tables_of(known, &query, &catalogue);
        Ok(tables.map(|tables| tables.all_processes()).unwrap_or_default())
    }

    fn is_wanted((): (), text: &str, row: &ProcessRow) -> bool {
        let process = &row.process;
        holds_ignoring_case(&process.image, text)
            || process.services.iter().any(|service| holds_ignoring_case(service, text))
            || process.key.pid.to_string() == text
    }
}

impl HostList for Types {
    type Row = TypeRow;
    type Choice = ();
    const SECTION: HostSection = HostSection::Types;

    fn list() -> &'static List<TypeRow> {
        &HOST_TYPES
    }

    async fn load(
        asked: &Asked,
        _: &mut PgConnection,
        known: &Known,
    ) -> Result<Vec<TypeRow>, AppError> {
        let types =
            known.snapshot.iter().flat_map(|snapshot| snapshot.object_types.iter().flatten());
        Ok(types.map(|used| TypeRow { host: asked.host, used: used.clone() }).collect())
    }

    fn is_wanted((): (), text: &str, row: &TypeRow) -> bool {
        holds_ignoring_case(&row.used.name, text)
    }
}

impl HostList for Drivers {
    type Row = HostDriver;
    type Choice = ();
    const SECTION: HostSection = HostSection::Drivers;

    fn list() -> &'static List<HostDriver> {
        &HOST_DRIVERS
    }

    async fn load(
        asked: &Asked,
        db: &mut PgConnection,
        _: &Known,
    ) -> Result<Vec<HostDriver>, AppError> {
        let inventory = match inventories::find(db, asked.host).await {
            // The host's page says so.
            Err(error) if is_of_stored_row(&error) => None,
            found => found?,
        };
        let drivers = inventory.unwrap_or_default().drivers;
        let files: Vec<FileHash> = drivers.iter().filter_map(|driver| driver.sha256).collect();
        let mut found: HashMap<FileHash, Vec<FoundTag>> = HashMap::new();
        for holder in driver_scans::tags_of_files(db, &files, SCANNED).await? {
            found.entry(holder.sha256).or_default().push(holder.found);
        }
        let row = |driver: Driver| {
            let tags = driver.sha256.and_then(|file| found.get(&file));
            host_driver(asked.host, driver, tags.map_or(&[][..], |tags| &tags[..]))
        };
        Ok(drivers.into_iter().map(row).collect())
    }

    fn is_wanted((): (), text: &str, row: &HostDriver) -> bool {
        let told = [Some(row.name.as_str()), row.version.as_deref(), row.company.as_deref()];
        told.into_iter().flatten().any(|told| holds_ignoring_case(told, text))
            || row.tags.iter().any(|tag| holds_ignoring_case(&tag.to_string(), text))
    }
}

impl DrawnRow for TypeRow {}
impl DrawnRow for HostDriver {}

/// A driver with what a scan found in its file.
fn host_driver(host: HostId, driver: Driver, found: &[FoundTag]) -> HostDriver {
    let mut likely: Vec<&FoundTag> = found.iter().filter(|tag| tag.likelihood() >= OWNS).collect();
    likely.sort_by(|a, b| b.likelihood().total_cmp(&a.likelihood()));
    likely.truncate(TAGS);
    HostDriver {
        host,
        name: driver.name,
        path: driver.path,
        version: driver.version,
        company: driver.company,
        signer: driver.signer,
        linked: driver.linked,
        is_scanned: !found.is_empty(),
        other_tags: (found.len() - likely.len()) as u64,
        tags: likely.into_iter().map(|found| found.tag).collect(),
    }
}
