//! Messages on their way to each recipient, and what became of them.

use jiff::{SignedDuration, Timestamp};
use jiff_sqlx::ToSqlx;
use poolwatch_model::{
    alerting::{
        AlertId, AlertLevel, ChannelKind, Delivery, DeliveryId, DeliveryState, MessageSubject,
        Recipient, RecipientId,
    },
    incident::{IncidentChange, IncidentId, IncidentNotice},
};
use sqlx::PgConnection;

use crate::{Result, StoreError, outbox::MessageWords, readable::Readable};

/// A delivery that this server has to make now.
#[derive(Debug, Clone, PartialEq)]
pub struct LeasedDelivery {
    /// Its number.
    pub id: DeliveryId,
    /// The message's number: the same for all its recipients and all attempts.
    pub message: i64,
    /// What the message is about.
    pub subject: MessageSubject,
    /// How the recipient is reached.
    pub kind: ChannelKind,
    /// Mail address or URL.
    pub address: String,
    /// What signs a webhook or lets one in, sealed.
    pub sealed_secret: Option<Vec<u8>>,
    /// What it says.
    pub words: MessageWords,
    /// How often it was begun, this time included.
    pub attempts: i32,
}

/// Puts a message on its way to recipients, in the transaction that hands it over.
///
/// # Errors
/// When the database fails.
pub async fn add(
    db: &mut PgConnection,
    message: i64,
    incident: Option<IncidentId>,
    recipients: &[&Recipient],
    now: Timestamp,
) -> Result<()> {
    let ids: Vec<Option<i64>> = recipients.iter().map(|one| one.id.map(|id| id.0)).collect();
    let kinds: Vec<String> = recipients.iter().map(|one| one.kind.as_str().to_owned()).collect();
    let addresses: Vec<String> = recipients.iter().map(|one| one.address.clone()).collect();
    sqlx::query!(
        "INSERT INTO deliveries (message_id, incident_id, recipient_id, kind, address, created_at,
             not_before)
         SELECT $1, $2, recipient, kind, address, $6, $6
         FROM unnest($3::bigint[], $4::text[], $5::text[]) AS new (recipient, kind, address)
         ON CONFLICT ON CONSTRAINT deliveries_message_key DO NOTHING",
        message,
        incident.map(|id| id.0),
        &ids as &[Option<i64>],
        &kinds,
        &addresses,
        now.to_sqlx(),
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Messages in an hour to who is on the command line, see [`Recipient::PER_HOUR`].
const PER_HOUR: i32 = Recipient::PER_HOUR as i32;

/// What waits or is made for longer than this was put down by a clock that has been set back since.
const LONGEST_WAIT_S: f64 = 3600.0;

/// Takes the oldest delivery of some kinds that is due and that nobody makes, for as long as `lease`.
/// What goes to one address goes one after another, and what is not critical waits once as much was
/// sent there within an hour as its recipient takes.
///
/// # Errors
/// When the database fails.
pub async fn lease(
    db: &mut PgConnection,
    kinds: &[ChannelKind],
    now: Timestamp,
    lease: SignedDuration,
) -> Result<Option<LeasedDelivery>> {
    let until = now.saturating_add(lease).unwrap_or(now);
    let kinds: Vec<String> = kinds.iter().map(|kind| kind.as_str().to_owned()).collect();
    let row = sqlx::query!(
        "WITH leased AS (
             UPDATE deliveries SET leased_until = $2, attempts = attempts + 1
             WHERE id = (
                 SELECT id FROM deliveries AS due
                 WHERE sent_at IS NULL AND gave_up_at IS NULL
                     AND (not_before <= $1 OR not_before > $1 + make_interval(secs => $5))
                     AND (leased_until IS NULL OR leased_until <= $1
                         OR leased_until > $1 + make_interval(secs => $5))
                     AND kind = ANY($3)
                     AND NOT EXISTS (
                         SELECT FROM deliveries AS other
                         WHERE other.kind = due.kind AND other.address = due.address
                             AND other.sent_at IS NULL AND other.gave_up_at IS NULL
                             AND other.leased_until > $1
                             AND other.leased_until <= $1 + make_interval(secs => $5)
                     )
                     AND (
                         (SELECT level FROM outbox WHERE outbox.id = due.message_id) = 'critical'
                         OR (
                             SELECT count(*) FROM deliveries AS sent
                             WHERE sent.kind = due.kind AND sent.address = due.address
                                 AND sent.sent_at > $1 - interval '1 hour'
                                 AND sent.sent_at <= $1
                         ) < coalesce(
                             (SELECT per_hour FROM recipients WHERE recipients.id = due.recipient_id),
                             $4
                         )
                     )
                 ORDER BY not_before, id LIMIT 1 FOR UPDATE SKIP LOCKED
             )
             RETURNING id, message_id, kind, address, attempts, recipient_id
         )
         SELECT leased.id, message_id, leased.kind, leased.address, leased.attempts,
             outbox.incident_id, notice AS \"notice: Readable<IncidentNotice>\", level,
             alert_id, alert_change AS \"alert_change: Readable<IncidentChange>\",
             subject AS \"subject!\", body_text AS \"body_text!\", body_html AS \"body_html!\", chart,
             sealed_secret AS \"sealed_secret?\"
         FROM leased JOIN outbox ON outbox.id = message_id
         LEFT JOIN recipients ON recipients.id = recipient_id",
        now.to_sqlx(),
        until.to_sqlx(),
        &kinds,
        PER_HOUR,
        LONGEST_WAIT_S,
    )
    .fetch_optional(db)
    .await?;
    row.map(|row| {
        Ok(LeasedDelivery {
            id: DeliveryId(row.id),
            message: row.message_id,
            subject: MessageSubject {
                incident: row.incident_id.map(IncidentId),
                alert: row.alert_id.map(AlertId),
                change: row
                    .notice
                    .and_then(|notice| Some(notice.0?.change))
                    .or(row.alert_change.and_then(|change| change.0)),
                level: row
                    .level
                    .and_then(|level| AlertLevel::from_name(&level))
                    .unwrap_or(AlertLevel::Note),
            },
            kind: ChannelKind::from_name(&row.kind)
                .ok_or(StoreError::Inconsistent("a delivery has a kind that is not known"))?,
            address: row.address,
            sealed_secret: row.sealed_secret,
            words: MessageWords {
                subject: row.subject,
                text: row.body_text,
                html: row.body_html,
                chart: row.chart,
            },
            attempts: row.attempts,
        })
    })
    .transpose()
}

/// Notes that the other side took it, with its words.
///
/// # Errors
/// When the database fails.
pub async fn mark_sent(
    db: &mut PgConnection,
    id: DeliveryId,
    answer: &str,
    now: Timestamp,
) -> Result<()> {
    sqlx::query!(
        "UPDATE deliveries SET sent_at = $2, leased_until = NULL, answer = $3, gave_up_at = NULL
         WHERE id = $1",
        id.0,
        now.to_sqlx(),
        answer,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Puts a delivery back, to be tried again at `not_before`.
///
/// # Errors
/// When the database fails.
pub async fn put_back(
    db: &mut PgConnection,
    id: DeliveryId,
    not_before: Timestamp,
    answer: &str,
) -> Result<()> {
    sqlx::query!(
        "UPDATE deliveries SET not_before = $2, leased_until = NULL, answer = $3 WHERE id = $1",
        id.0,
        not_before.to_sqlx(),
        answer,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Gives a delivery up: it is shown, and a person may send it again.
///
/// # Errors
/// When the database fails.
pub async fn give_up(
    db: &mut PgConnection,
    id: DeliveryId,
    answer: &str,
    now: Timestamp,
) -> Result<()> {
    sqlx::query!(
        "UPDATE deliveries SET gave_up_at = $2, leased_until = NULL, answer = $3 WHERE id = $1",
        id.0,
        now.to_sqlx(),
        answer,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Lets what was given up, or what waits, be tried now: one delivery, or all. Returns how many.
///
/// # Errors
/// When the database fails.
pub async fn resend(db: &mut PgConnection, id: Option<DeliveryId>, now: Timestamp) -> Result<u64> {
    let done = sqlx::query!(
        "UPDATE deliveries SET gave_up_at = NULL, not_before = $2, attempts = 0, created_at = $2
         WHERE sent_at IS NULL
             AND (leased_until IS NULL OR leased_until <= $2
                 OR leased_until > $2 + make_interval(secs => $3))
             AND (id = $1 OR $1 IS NULL AND gave_up_at IS NOT NULL)
             AND EXISTS (SELECT FROM outbox WHERE outbox.id = message_id)",
        id.map(|id| id.0),
        now.to_sqlx(),
        LONGEST_WAIT_S,
    );
    Ok(done.execute(db).await?.rows_affected())
}

/// Which deliveries to list.
#[derive(Debug, Clone, Copy, Default)]
pub struct DeliveryFilter {
    /// Only those of this incident.
    pub incident: Option<IncidentId>,
    /// Only this one.
    pub id: Option<DeliveryId>,
    /// Only those that are not sent.
    pub unsent: bool,
}

/// Deliveries, latest first. Those that cannot be read are left out.
///
/// # Errors
/// When the database fails.
pub async fn list(
    db: &mut PgConnection,
    filter: DeliveryFilter,
    limit: i64,
) -> Result<Vec<Delivery>> {
    let rows = sqlx::query!(
        "SELECT deliveries.id, deliveries.incident_id, recipient_id, kind, address,
             coalesce(subject, '') AS \"subject!\", deliveries.created_at, deliveries.attempts,
             deliveries.not_before, deliveries.sent_at, gave_up_at, answer
         FROM deliveries LEFT JOIN outbox ON outbox.id = message_id
         WHERE ($1::bigint IS NULL OR deliveries.incident_id = $1)
             AND ($2::bigint IS NULL OR deliveries.id = $2)
             AND (NOT $3 OR deliveries.sent_at IS NULL)
         ORDER BY deliveries.id DESC LIMIT $4",
        filter.incident.map(|id| id.0),
        filter.id.map(|id| id.0),
        filter.unsent,
        limit,
    )
    .fetch_all(db)
    .await?;
    let deliveries = rows.into_iter().filter_map(|row| {
        let (sent, given_up) = (row.sent_at.map(jiff_sqlx::Timestamp::to_jiff), row.gave_up_at);
        Some(Delivery {
            id: DeliveryId(row.id),
            incident: row.incident_id.map(IncidentId),
            recipient: row.recipient_id.map(RecipientId),
            kind: ChannelKind::from_name(&row.kind)?,
            address: row.address,
            subject: row.subject,
            created: row.created_at.to_jiff(),
            attempts: row.attempts,
            state: match (sent, given_up) {
                (Some(at), _) => DeliveryState::Sent(at),
                (None, Some(at)) => DeliveryState::GivenUp(at.to_jiff()),
                (None, None) => DeliveryState::Waiting(row.not_before.to_jiff()),
            },
            answer: row.answer,
        })
    });
    Ok(deliveries.collect())
}

/// When the oldest of the deliveries was handed over that are due since a time and not made.
///
/// # Errors
/// When the database fails.
pub async fn oldest_due(db: &mut PgConnection, now: Timestamp) -> Result<Option<Timestamp>> {
    let oldest = sqlx::query_scalar!(
        "SELECT min(created_at) FROM deliveries
         WHERE sent_at IS NULL AND gave_up_at IS NULL AND created_at <= $1",
        now.to_sqlx(),
    );
    Ok(oldest.fetch_one(db).await?.map(jiff_sqlx::Timestamp::to_jiff))
}

/// How many deliveries wait, and how many were given up.
///
/// # Errors
/// When the database fails.
pub async fn count_unsent(db: &mut PgConnection) -> Result<(i64, i64)> {
    let row = sqlx::query!(
        "SELECT count(*) FILTER (WHERE gave_up_at IS NULL) AS \"waiting!\",
             count(*) FILTER (WHERE gave_up_at IS NOT NULL) AS \"given_up!\"
         FROM deliveries WHERE sent_at IS NULL",
    )
    .fetch_one(db)
    .await?;
    Ok((row.waiting, row.given_up))
}
