//! The attributes #[hub] and #[client].
