//! Which pools a list shows.

use poolwatch_model::Pool;

use crate::list::choices;

choices! {
    /// Which pools to show.
    PoolChoice {
        /// Both.
        Both = "both", "both pools";
        /// Nonpaged pool.
        Nonpaged = "nonpaged", "nonpaged";
        /// Paged pool.
        Paged = "paged", "paged";
    }
}

impl PoolChoice {
    /// Whether a pool is shown.
    #[must_use]
    pub fn shows(self, pool: Pool) -> bool {
        self.pool().is_none_or(|chosen| chosen == pool)
    }

    /// The one pool that is shown.
    #[must_use]
    pub const fn pool(self) -> Option<Pool> {
        match self {
            Self::Both => None,
            Self::Nonpaged => Some(Pool::Nonpaged),
            Self::Paged => Some(Pool::Paged),
        }
    }
}

impl From<Pool> for PoolChoice {
    fn from(pool: Pool) -> Self {
        match pool {
            Pool::Nonpaged => Self::Nonpaged,
            Pool::Paged => Self::Paged,
        }
    }
}
