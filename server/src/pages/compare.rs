//! What is different (`GET /compare`), and the same for other programs (`/compare.csv`,
//! `/compare.json`).

mod columns;
mod table;

use axum::{
    Extension,
    extract::State,
    http::Uri,
    response::{Html, IntoResponse, Redirect, Response},
};
use columns::Loaded;
use jiff::Timestamp;
use poolwatch_web::{
    Page,
    compare::{Column, ComparePage, CompareQuery, Row, Subject, Value, Wanted},
    list::inert,
};
use serde_json::{Map, json};
use table::Rows;

use super::{address, export::download, groups::group_names, shell};
use crate::{
    access::people::Person,
    app::{App, SharedApp},
    app_error::AppError,
    fleet::visible::VisibleFleet,
    parameters::Query,
};

/// Rows that are about equal and are shown when asked for.
const EQUAL: usize = 500;

type Pairs = Query<Vec<(String, String)>>;

/// What was asked for, compared.
struct Compared {
    columns: Vec<Column>,
    missing: Vec<String>,
    rows: Rows,
}

/// The page. A healthy host that is asked for is chosen, and named in the address.
pub(super) async fn page(
    State(app): State<SharedApp>,
    Extension(person): Extension<Person>,
    visible: VisibleFleet,
    Query(pairs): Pairs,
    uri: Uri,
) -> Result<Response, AppError> {
    let mut query = CompareQuery::read(&pairs);
    let shell = shell(&app, &person, address(&uri));
    let mut missing = Vec::new();
    if std::mem::take(&mut query.with_healthy) {
        match with_healthy(&app, &visible, &query, shell.now).await? {
            Some(query) => return Ok(Redirect::to(&query.url()).into_response()),
            None => missing.push("No healthy host of the same Windows build reports.".to_owned()),
        }
    }
    let compared = compare(&app, &visible, &query, shell.now).await?;
    missing.extend(compared.missing);
    let Rows { differ, mut equal, .. } = compared.rows;
    let (differing, alike) = (differ.len() as u64, equal.len() as u64);
    let range = query.range(differ.len());
    equal.truncate(if query.equal { EQUAL } else { 0 });
    let page = ComparePage {
        shell,
        groups: group_names(&visible.view),
        proposed: query.is_proposed.then(|| proposed_in_words(&compared.columns)).flatten(),
        columns: compared.columns,
        missing,
        rows: differ.into_iter().take(range.end).skip(range.start).collect(),
        differ: differing,
        equal_rows: equal,
        equal: alike,
        query,
    };
    Ok(Html(page.render()?).into_response())
}

/// All rows as CSV: the differing ones first.
pub(super) async fn csv(
    State(app): State<SharedApp>,
    Extension(_): Extension<Person>,
    visible: VisibleFleet,
    Query(pairs): Pairs,
) -> Result<Response, AppError> {
    let compared = compare(&app, &visible, &CompareQuery::read(&pairs), app.clock.now()).await?;
    let mut writer = csv::Writer::from_writer(Vec::new());
    let heads = compared.columns.iter().map(|column| match column.at {
        Some(at) => inert(&format!("{} {at}", column.name)),
        None => inert(&column.name),
    });
    let first = ["differs", "name", "kind"].map(str::to_owned);
    writer.write_record(first.into_iter().chain(heads)).map_err(AppError::internal)?;
    for (row, differs) in all(&compared.rows) {
        let kind = row.kind.as_deref().unwrap_or_default();
        let cells = row.values.iter().map(|value| match value {
            Some(Value::Bytes(number) | Value::Count(number)) => number.to_string(),
            Some(Value::Text(text)) => inert(text),
            None => String::new(),
        });
        let first = [differs.to_string(), inert(&row.name), inert(kind)];
        writer.write_record(first.into_iter().chain(cells)).map_err(AppError::internal)?;
    }
    let body = writer.into_inner().map_err(AppError::internal)?;
    Ok(download("text/csv; charset=utf-8", "compare.csv", body))
}

/// The same as JSON.
pub(super) async fn json(
    State(app): State<SharedApp>,
    Extension(_): Extension<Person>,
    visible: VisibleFleet,
    Query(pairs): Pairs,
) -> Result<Response, AppError> {
    let query = CompareQuery::read(&pairs);
    let compared = compare(&app, &visible, &query, app.clock.now()).await?;
    let columns: Vec<_> = compared
        .columns
        .iter()
        .map(|column| {
            let id = column.host.as_ref().map(|host| host.id);
            json!({ "name": column.name, "host": id, "at": column.at })
        })
        .collect();
    let rows: Vec<_> = all(&compared.rows)
        .map(|(row, differs)| {
            json!({ "name": row.name, "kind": row.kind, "differs": differs, "values": row.values })
        })
        .collect();
    let mut body = Map::new();
    body.insert("by".into(), query.by.as_str().into());
    body.insert("columns".into(), columns.into());
    body.insert("rows".into(), rows.into());
    let body = serde_json::to_vec(&body).map_err(AppError::internal)?;
    Ok(download("application/json", "compare.json", body))
}

fn all(rows: &Rows) -> impl Iterator<Item = (&Row, bool)> {
    let differ = rows.differ.iter().map(|row| (row, true));
    differ.chain(rows.equal.iter().map(|row| (row, false)))
}

async fn compare(
    app: &SharedApp,
    visible: &VisibleFleet,
    query: &CompareQuery,
    now: Timestamp,
) -> Result<Compared, AppError> {
    let mut db = app.pool.acquire().await?;
    let (mut heads, mut machines, mut missing) = (Vec::new(), Vec::new(), Vec::new());
    for number in 0..query.columns.len() {
        match columns::load(app, visible, &mut db, query, number, now).await? {
            Ok(Loaded { head, machines: of_column }) => {
                heads.push(head);
                machines.push(of_column);
            }
            Err(why) => missing.push(why),
        }
    }
    drop(db);
    let rows = table::compare(query.by, &machines);
    for (head, known) in heads.iter_mut().zip(&rows.known) {
        head.is_known = *known;
    }
    Ok(Compared { columns: heads, missing, rows })
}

/// What is said of a host that was proposed.
fn proposed_in_words(columns: &[Column]) -> Option<String> {
    let ([first, ..], Some(last)) = (columns, columns.last()) else { return None };
    (columns.len() > 1).then(|| {
        format!(
            "{} was proposed: it has no incident, and of all healthy hosts it is most like {} in role, Windows build, memory and group.",
            last.name, first.name
        )
    })
}

/// The comparison with a healthy host beside its first host.
async fn with_healthy(
    app: &App,
    visible: &VisibleFleet,
    query: &CompareQuery,
    now: Timestamp,
) -> Result<Option<CompareQuery>, AppError> {
    let view = &visible.view;
    let named = query.columns.iter().filter_map(|wanted| match &wanted.subject {
        Subject::Host(name) => columns::find(view, name),
        Subject::Group(_) => None,
    });
    let named: Vec<_> = named.collect();
    let taken: Vec<_> = named.iter().map(|host| host.host.id).collect();
    let Some(beside) = named.first() else { return Ok(None) };
    let mut db = app.pool.acquire().await?;
    let healthy = columns::find_healthy(view, &mut db, beside, &taken, now).await?;
    drop(db);
    let Some(healthy) = healthy else { return Ok(None) };
    let mut query = query.clone();
    let subject = Subject::Host(healthy.host.id.to_string());
    query.columns.push(Wanted { subject, moment: None });
    query.is_proposed = true;
    Ok(Some(query))
}
