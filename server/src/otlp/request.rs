//! Metrics as requests of OTLP.

use std::collections::BTreeMap;

use jiff::Timestamp;
use opentelemetry_proto::tonic::{
    collector::metrics::v1::ExportMetricsServiceRequest,
    common::v1::{AnyValue, InstrumentationScope, KeyValue, any_value::Value},
    metrics::v1::{
        AggregationTemporality, Gauge, Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum,
        Summary, SummaryDataPoint, metric::Data, number_data_point,
        summary_data_point::ValueAtQuantile,
    },
    resource::v1::Resource,
};

use super::exposition::{self, Family, FamilyKind, Sample};

/// The label of a summary that says of which share of values it tells.
const QUANTILE: &str = "quantile";

/// What goes in one request.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) points: usize,
    metrics: Vec<Metric>,
}

impl Batch {
    /// The request; `instance` tells one server from others.
    pub(super) fn into_request(self, instance: &str) -> ExportMetricsServiceRequest {
        let attributes = [
            ("service.name", "poolwatch"),
            ("service.version", env!("CARGO_PKG_VERSION")),
            ("service.instance.id", instance),
        ];
        let attributes = attributes.map(|(key, value)| attribute(key, value.to_owned())).to_vec();
        let scope = InstrumentationScope { name: "poolwatch".into(), ..Default::default() };
        ExportMetricsServiceRequest {
            resource_metrics: vec![ResourceMetrics {
                resource: Some(Resource { attributes, ..Default::default() }),
                scope_metrics: vec![ScopeMetrics {
                    scope: Some(scope),
                    metrics: self.metrics,
                    ..Default::default()
                }],
                ..Default::default()
            }],
        }
    }
}

/// What a text tells, in batches of so many points at most. What is counted is so since the first time.
pub(super) fn batches(
    text: &str,
    most: usize,
    (since, now): (Timestamp, Timestamp),
) -> impl Iterator<Item = Batch> {
    let times = [since, now].map(|at| u64::try_from(at.as_nanosecond()).unwrap_or(0));
    let mut pieces: Vec<(usize, Metric)> = Vec::new();
    for family in exposition::read(text) {
        pieces.extend(metrics(&family, most, times));
    }
    let mut pieces = pieces.into_iter().peekable();
    std::iter::from_fn(move || {
        let mut batch = Batch::default();
        while let Some((points, metric)) =
            pieces.next_if(|(points, _)| batch.points == 0 || batch.points + points <= most)
        {
            batch.points += points;
            batch.metrics.push(metric);
        }
        (batch.points > 0).then_some(batch)
    })
}

/// A family as metrics of so many points at most, each with its number of points.
fn metrics(family: &Family<'_>, most: usize, [since, now]: [u64; 2]) -> Vec<(usize, Metric)> {
    let metric = |points: usize, data: Data| {
        let metric = Metric {
            name: family.name.to_owned(),
            description: family.help.to_owned(),
            data: Some(data),
            ..Default::default()
        };
        (points, metric)
    };
    if family.kind == FamilyKind::Summary {
        let points = summaries(&family.samples, since, now);
        let chunks = points.chunks(most).map(<[SummaryDataPoint]>::to_vec);
        return chunks
            .map(|data_points| metric(data_points.len(), Data::Summary(Summary { data_points })))
            .collect();
    }
    let is_counter = family.kind == FamilyKind::Counter;
    let point = |sample: &Sample<'_>| NumberDataPoint {
        attributes: attributes(sample),
        start_time_unix_nano: if is_counter { since } else { 0 },
        time_unix_nano: now,
        value: Some(number_data_point::Value::AsDouble(sample.value)),
        ..Default::default()
    };
    let chunks = family.samples.chunks(most).map(|chunk| {
        let data_points: Vec<NumberDataPoint> = chunk.iter().map(point).collect();
        let data = match is_counter {
            false => Data::Gauge(Gauge { data_points }),
            true => Data::Sum(Sum {
                data_points,
                aggregation_temporality: AggregationTemporality::Cumulative.into(),
                is_monotonic: true,
            }),
        };
        metric(chunk.len(), data)
    });
    chunks.collect()
}

/// The samples of summaries, put together by their labels.
fn summaries(samples: &[Sample<'_>], since: u64, now: u64) -> Vec<SummaryDataPoint> {
    let mut by_labels: BTreeMap<Vec<(&str, &str)>, SummaryDataPoint> = BTreeMap::new();
    for sample in samples {
        let labels = sample.labels.iter().map(|(name, value)| (*name, value.as_str()));
        let key = labels.filter(|(name, _)| *name != QUANTILE).collect();
        let point = by_labels.entry(key).or_insert_with(|| SummaryDataPoint {
            attributes: attributes(sample),
            start_time_unix_nano: since,
            time_unix_nano: now,
            ..Default::default()
        });
        match sample.suffix {
            "_sum" => point.sum = sample.value,
            "_count" => point.count = sample.value as u64,
            _ => {
                let label = sample.labels.iter().find(|(name, _)| *name == QUANTILE);
                let quantile = label.and_then(|(_, value)| value.parse().ok());
                let value = |quantile| ValueAtQuantile { quantile, value: sample.value };
                point.quantile_values.extend(quantile.map(value));
            }
        }
    }
    by_labels.into_values().collect()
}

fn attributes(sample: &Sample<'_>) -> Vec<KeyValue> {
    let labels = sample.labels.iter().filter(|(name, _)| *name != QUANTILE);
    labels.map(|(name, value)| attribute(name, value.clone())).collect()
}

fn attribute(key: &str, value: String) -> KeyValue {
    let value = Some(AnyValue { value: Some(Value::StringValue(value)) });
    KeyValue { key: key.to_owned(), value, ..Default::default() }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use super::*;

    #[test]
    fn a_large_fleet_comes_in_requests_of_bounded_size() {
        let mut text = String::from("# TYPE a counter\na 1\n# TYPE b gauge\n");
        for host in 0..25 {
            let _ = writeln!(text, "b{{host=\"{host}\"}} {host}");
        }
        text.push_str("# TYPE c summary\nc{quantile=\"0.5\"} 2\nc_sum 3\nc_count 4\n");
        let at = Timestamp::from_second(1_800_000_000).unwrap();
        let all: Vec<Batch> = batches(&text, 10, (at, at)).collect();
        assert_eq!(all.iter().map(|one| one.points).collect::<Vec<_>>(), [1, 10, 10, 6]);
        let names: Vec<&str> =
            all.iter().flat_map(|one| &one.metrics).map(|one| one.name.as_str()).collect();
        assert_eq!(names, ["a", "b", "b", "b", "c"]);
        assert_eq!(batches("", 10, (at, at)).count(), 0);
    }
}
