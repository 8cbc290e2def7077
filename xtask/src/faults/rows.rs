//! The matrix: a module for each group of rows.

mod preparation;

use super::row::Row;

/// Every row, in the order of the documentation.
pub fn all() -> Vec<Row> {
    [preparation::rows()].into_iter().flatten().collect()
}
