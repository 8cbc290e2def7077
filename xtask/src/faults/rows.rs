//! The matrix: a module for each group of rows.

mod during_load;
mod hostile_content;
mod preparation;
mod secrets;
mod server_start;

use super::row::Row;

/// Every row, in the order of the documentation.
pub fn all() -> Vec<Row> {
    [
        preparation::rows(),
        server_start::rows(),
        during_load::rows(),
        hostile_content::rows(),
        secrets::rows(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
