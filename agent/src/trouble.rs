//! When trouble with the server is worth an entry in the Application log: not each time that a server is
//! away for a moment, and not again and again.

use std::time::Duration;

use crate::status::UploadHealth;

/// How long uploads may fail that fail until somebody mends something: long enough for a file that is
/// still being copied.
const LASTING: Duration = Duration::from_secs(5);
/// How long uploads may fail of an agent that has sent nothing since it started: it may be set up wrongly.
const AFTER_START: Duration = Duration::from_secs(60);
/// How long they may fail of one that has.
const LATER: Duration = Duration::from_secs(15 * 60);
/// Another trouble is told again at most so often.
const AGAIN: Duration = Duration::from_secs(3600);

/// What administrators are to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// Why nothing is sent.
    Trouble(String),
    /// What was told is over.
    Over,
}

/// What was told of the trouble that there is.
#[derive(Debug, Default)]
pub struct TroubleWatch {
    since: Option<Duration>,
    told: Option<(Duration, String)>,
}

impl TroubleWatch {
    /// Heeds how uploads fare at a moment of a clock that never goes back.
    pub fn heed(&mut self, now: Duration, uploads: &UploadHealth) -> Option<Notice> {
        let Some(reason) = &uploads.last_failure else {
            self.since = None;
            // What has not failed yet is not over.
            uploads.last_upload?;
            return self.told.take().map(|_| Notice::Over);
        };
        let since = *self.since.get_or_insert(now);
        let patience = match uploads {
            UploadHealth { is_lasting: true, .. } => LASTING,
            UploadHealth { last_upload: None, .. } => AFTER_START,
            _ => LATER,
        };
        let is_due = match &self.told {
            None => now.saturating_sub(since) >= patience,
            Some((at, told)) => told != reason && now.saturating_sub(*at) >= AGAIN,
        };
        is_due.then(|| {
            self.told = Some((now, reason.clone()));
            Notice::Trouble(reason.clone())
        })
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    fn uploads(has_sent: bool, failure: Option<&str>) -> UploadHealth {
        UploadHealth {
            last_upload: has_sent.then_some(Timestamp::UNIX_EPOCH),
            last_failure: failure.map(str::to_owned),
            is_lasting: false,
        }
    }

    #[test]
    fn a_refusal_is_told_within_seconds() {
        let refused = UploadHealth { is_lasting: true, ..uploads(true, Some("expired")) };
        let mut watch = TroubleWatch::default();
        assert_eq!(watch.heed(Duration::from_secs(1), &refused), None);
        let told = watch.heed(Duration::from_secs(6), &refused);
        assert_eq!(told, Some(Notice::Trouble("expired".into())));
        assert_eq!(watch.heed(at(59), &refused), None);
    }

    fn at(minutes: u64) -> Duration {
        Duration::from_secs(minutes * 60)
    }

    #[test]
    fn an_agent_that_never_sent_is_told_of_after_a_minute_and_once() {
        let mut watch = TroubleWatch::default();
        let expired = uploads(false, Some("expired"));
        assert_eq!(watch.heed(at(5), &expired), None);
        assert_eq!(watch.heed(at(6), &expired), Some(Notice::Trouble("expired".into())));
        assert_eq!(watch.heed(at(600), &expired), None);
        assert_eq!(watch.heed(at(601), &uploads(false, None)), None);
        assert_eq!(watch.heed(at(602), &uploads(true, None)), Some(Notice::Over));
        assert_eq!(watch.heed(at(603), &uploads(true, None)), None);
    }

    #[test]
    fn a_server_that_is_away_for_a_moment_is_no_news() {
        let mut watch = TroubleWatch::default();
        for minute in (0..200).step_by(20) {
            assert_eq!(watch.heed(at(minute), &uploads(true, Some("away"))), None);
            assert_eq!(watch.heed(at(minute + 14), &uploads(true, Some("away"))), None);
            assert_eq!(watch.heed(at(minute + 15), &uploads(true, None)), None);
        }
    }

    #[test]
    fn another_trouble_is_told_once_an_hour_at_most() {
        let mut watch = TroubleWatch::default();
        let mut told = 0;
        for minute in 0..240 {
            let reason = if minute % 2 == 0 { "name" } else { "timeout" };
            told += usize::from(watch.heed(at(minute), &uploads(false, Some(reason))).is_some());
        }
        assert_eq!(told, 4);
    }
}
