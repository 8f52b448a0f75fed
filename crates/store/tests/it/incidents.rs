//! Incidents and findings.

use poolwatch_model::{
    HostId, Pool,
    diagnosis::{Diagnosis, Verdict},
    incident::{Cause, Finding, IncidentState},
};
use poolwatch_store::{
    incidents::{self, IncidentFilter, Recorded},
    testing,
};

use crate::later;

fn finding(host: i32, minute: i64) -> Finding {
    let host = HostId(host);
    let diagnosis = Diagnosis {
        verdict: Verdict::Exhausted,
        pool: Some(Pool::Nonpaged),
        ..Diagnosis::default()
    };
    let cause = Cause::PoolEmpty { host, pool: Pool::Nonpaged };
    Finding { host, cause, at: later(minute), diagnosis }
}

#[tokio::test]
async fn findings_of_one_cause_are_one_incident_until_it_is_resolved() {
    let pool = testing::database().await.unwrap();
    let mut db = pool.acquire().await.unwrap();
    let Recorded::Opened(first) = incidents::record(&mut db, &finding(1, 0)).await.unwrap() else {
        panic!("the first finding opens the incident");
    };
    let again = incidents::record(&mut db, &finding(1, 5)).await.unwrap();
    assert_eq!(again, Recorded::SeenAgain(first));
    let same = incidents::record(&mut db, &finding(1, 5)).await.unwrap();
    assert_eq!(same, Recorded::Known(first));
    let other = incidents::record(&mut db, &finding(2, 5)).await.unwrap();
    assert!(matches!(other, Recorded::Opened(id) if id != first));

    let of_host = IncidentFilter { host: Some(HostId(1)), ..Default::default() };
    let listed = incidents::list(&mut db, of_host, 10).await.unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!((listed[0].findings, listed[0].last_seen), (2, later(5)));

    assert_eq!(incidents::resolve_quiet(&mut db, later(6)).await.unwrap(), 2);
    let listed = incidents::list(&mut db, of_host, 10).await.unwrap();
    assert_eq!(listed[0].state, IncidentState::Resolved);
    let anew = incidents::record(&mut db, &finding(1, 60)).await.unwrap();
    assert!(matches!(anew, Recorded::Opened(id) if id != first));
}
