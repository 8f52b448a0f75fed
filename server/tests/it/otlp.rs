//! What `/metrics` tells, pushed to a collector that reads protobuf.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
    routing::post,
};
use opentelemetry_proto::tonic::{
    collector::metrics::v1::ExportMetricsServiceRequest,
    common::v1::any_value::Value,
    metrics::v1::{Metric, metric::Data, number_data_point},
};
use poolwatch_model::Bytes as PoolBytes;
use poolwatch_server::otlp::{self, OtlpTarget};
use prost::Message;
use tokio::sync::Mutex;

use crate::{
    lists::Console,
    server::{Server, classic},
};

/// What came, with who said so.
type Received = Arc<Mutex<Vec<(HeaderMap, ExportMetricsServiceRequest)>>>;

/// A collector that takes what it can read, and refuses as often as it is told to.
async fn collector(refusals: usize) -> (String, Received) {
    let received = Received::default();
    let left = Arc::new(Mutex::new(refusals));
    let take = async |State((received, left)): State<(Received, Arc<Mutex<usize>>)>,
                      headers: HeaderMap,
                      body: Bytes| {
        let mut left = left.lock().await;
        if *left > 0 {
            *left -= 1;
            return StatusCode::SERVICE_UNAVAILABLE;
        }
        match ExportMetricsServiceRequest::decode(body) {
            Ok(request) => received.lock().await.push((headers, request)),
            Err(_) => return StatusCode::BAD_REQUEST,
        }
        StatusCode::OK
    };
    let router = Router::new().route("/v1/metrics", post(take));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v1/metrics", listener.local_addr().unwrap());
    let router = router.with_state((received.clone(), left));
    tokio::spawn(async move { axum::serve(listener, router).await });
    (url, received)
}

fn target(url: &str) -> OtlpTarget {
    let headers = ["authorization=Bearer let-me-in".to_owned()];
    OtlpTarget::parse(url, &headers, Duration::from_secs(60)).unwrap()
}

async fn metrics(received: &Received) -> Vec<Metric> {
    let requests = received.lock().await;
    let scopes = requests.iter().flat_map(|(_, request)| &request.resource_metrics);
    scopes.flat_map(|one| &one.scope_metrics).flat_map(|one| one.metrics.clone()).collect()
}

#[tokio::test]
async fn a_collector_gets_all_that_prometheus_gets() {
    let mut snapshot = classic(0);
    snapshot.memory.committed = Some(PoolBytes(2));
    snapshot.memory.commit_limit = Some(PoolBytes(3));
    let console = Console::start(&[("fs-02.corp.example", snapshot)]).await;
    let (url, received) = collector(0).await;
    let text = console.text("/metrics").await;
    let points = otlp::push(&console.server.app, &target(&url)).await.unwrap();
    let told = metrics(&received).await;

    let families = text.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    let families: BTreeSet<&str> = families.filter_map(|line| line.split(' ').next()).collect();
    let names: BTreeSet<&str> = told.iter().map(|one| one.name.as_str()).collect();
    let missing: Vec<_> = families.difference(&names).collect();
    assert!(missing.is_empty(), "{missing:?}");
    assert!(points >= names.len(), "{points}");

    let find = |name: &str| told.iter().find(|one| one.name == name).unwrap();
    let Some(Data::Gauge(pools)) = &find("poolwatch_host_pool_bytes").data else { panic!() };
    let point = &pools.data_points[0];
    let value = Some(number_data_point::Value::AsDouble(209_844.0 * 1024.0));
    assert_eq!(point.value, value);
    assert!(point.time_unix_nano > 1_700_000_000_000_000_000, "{point:?}");
    let host = point.attributes.iter().find(|one| one.key == "host").unwrap();
    let name = host.value.clone().and_then(|value| value.value);
    assert_eq!(name, Some(Value::StringValue("fs-02.corp.example".into())));
    let Some(Data::Sum(frames)) = &find("poolwatch_frames_total").data else { panic!() };
    assert!(frames.is_monotonic && frames.data_points.len() == 3, "{frames:?}");
    let Some(Data::Summary(views)) = &find("poolwatch_fleet_view_seconds").data else { panic!() };
    assert!(views.data_points[0].count > 0 && !views.data_points[0].quantile_values.is_empty());

    let requests = received.lock().await;
    let (headers, request) = &requests[0];
    assert_eq!(headers["authorization"], "Bearer let-me-in");
    assert_eq!(headers["content-type"], "application/x-protobuf");
    let resource = request.resource_metrics[0].resource.clone().unwrap();
    let keys: Vec<&str> = resource.attributes.iter().map(|one| one.key.as_str()).collect();
    assert_eq!(keys, ["service.name", "service.version", "service.instance.id"]);
}

#[tokio::test]
async fn what_a_collector_refuses_is_told_and_the_next_push_is_taken() {
    let server = Server::start().await;
    let (url, received) = collector(1).await;
    let refused = otlp::push(&server.app, &target(&url)).await.unwrap_err();
    assert!(refused.to_string().contains("503"), "{refused}");
    let points = otlp::push(&server.app, &target(&url)).await.unwrap();
    assert!(points > 0 && !metrics(&received).await.is_empty());

    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let away = format!("http://{}/v1/metrics", listener.local_addr().unwrap());
    drop(listener);
    assert!(otlp::push(&server.app, &target(&away)).await.is_err());
}
