//! x
use super::super::row::Row;

/// The rows.
pub fn rows() -> Vec<Row> {
    Vec::new()
}
