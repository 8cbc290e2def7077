//! The matrix: a module for each group of rows.

mod environment;
mod preparation;
mod us;

use super::row::Row;

/// Every row, in the order of the documentation.
pub fn all() -> Vec<Row> {
    [environment::rows(), preparation::rows(), us::rows()].into_iter().flatten().collect()
}
