//! The kernel's low-memory conditions, as three bytes of ours: 0 is off, 1 is on, 2 is unknown.

use super::{RawError, fields::Fields};

/// What the kernel says to be short of; `None` is unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LowConditions {
    /// `LowNonPagedPoolCondition`.
    pub nonpaged: Option<bool>,
    /// `LowPagedPoolCondition`.
    pub paged: Option<bool>,
    /// `LowCommitCondition`.
    pub commit: Option<bool>,
}

impl LowConditions {
    /// Whether any of them is known to be on.
    #[must_use]
    pub fn any(self) -> bool {
        [self.nonpaged, self.paged, self.commit].contains(&Some(true))
    }
}

/// Reads the conditions.
///
/// # Errors
/// When the bytes are fewer or another number.
pub fn parse(bytes: &[u8]) -> Result<LowConditions, RawError> {
    let fields = Fields::new(bytes, "memory conditions");
    let condition = |at| match fields.u8(at)? {
        0 => Ok(Some(false)),
        1 => Ok(Some(true)),
        2 => Ok(None),
        value => Err(RawError::Absurd { what: "memory condition", value: value.into() }),
    };
    Ok(LowConditions { nonpaged: condition(0)?, paged: condition(1)?, commit: condition(2)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_condition_that_is_on_is_enough() {
        for (bytes, any) in
            [([0, 0, 0], false), ([0, 0, 1], true), ([2, 1, 0], true), ([2; 3], false)]
        {
            assert_eq!(parse(&bytes).unwrap().any(), any, "{bytes:?}");
        }
        assert!(parse(&[0, 0]).is_err());
        assert!(parse(&[0, 3, 0]).is_err());
    }
}
