//! What kind of project is measured, and how it is prepared. Django is the only kind.

pub mod django;
