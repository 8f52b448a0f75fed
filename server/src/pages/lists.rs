//! Lists as pages and as files: what all of them share.

use axum::{http::Uri, response::Response};
use poolwatch_web::list::{ColumnValue, Filter, List, ListQuery, ListView};
use serde::Serializer;

use super::export::download;
use crate::{app_error::AppError, parameters::Query};

/// The parameters of an address, in their order.
pub(super) type Parameters = Query<Vec<(String, String)>>;

/// What an address asks of a list.
pub(super) fn read<R, F: Filter>(
    list: &'static List<R>,
    path: impl Into<String>,
    Query(parameters): &Parameters,
) -> Result<ListQuery<R, F>, AppError> {
    ListQuery::read(list, path, parameters).map_err(|bad| AppError::bad_request(bad.to_string()))
}

/// The page of a query, of all that was found; `row` makes a row of it.
pub(super) fn page<R, F: Filter, T>(
    query: ListQuery<R, F>,
    found: &[T],
    row: impl Fn(&T) -> R,
) -> ListView<R, F> {
    let total = found.len() as u64;
    let rows = query.rows_of_page(found).map(row).collect();
    ListView::new(query, rows, total)
}

/// All that was found as a file: CSV or JSON, as its address ends.
pub(super) fn file<R, T>(
    list: &List<R>,
    found: &[T],
    row: impl Fn(&T) -> R,
    uri: &Uri,
) -> Result<Response, AppError> {
    let name = list.file_name();
    let rows = found.iter().map(row);
    if uri.path().ends_with(".csv") {
        let body = csv(list, rows).map_err(AppError::internal)?;
        return Ok(download("text/csv; charset=utf-8", &format!("{name}.csv"), body));
    }
    let columns = list.in_files();
    let mut body = Vec::new();
    let objects = rows.map(|row| columns.object(row));
    serde_json::Serializer::new(&mut body).collect_seq(objects).map_err(AppError::internal)?;
    Ok(download("application/json", &format!("{name}.json"), body))
}

fn csv<R>(list: &List<R>, rows: impl Iterator<Item = R>) -> Result<Vec<u8>, csv::Error> {
    let columns = list.in_files();
    let mut writer = csv::WriterBuilder::new().has_headers(false).from_writer(Vec::new());
    writer.write_record(columns.names())?;
    for row in rows {
        writer.serialize(columns.values(&row).map(ColumnValue::inert).collect::<Vec<_>>())?;
    }
    writer.into_inner().map_err(|error| error.into_error().into())
}
