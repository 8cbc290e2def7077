//! Charts as inline SVG, each a pure function from data to text.
//!
//! They do not use a crate. The charting crates that were examined (charming, plotters,
//! poloto) need a script of megabytes, a raster back end, or colours in the elements. Here
//! a chart takes its colours from the page's style by class, so that dark mode, print and
//! the policy against inline styles work. A few hundred lines are enough for all charts.

pub mod distribution;
pub mod evidence;
pub mod forest;
pub mod pairs;
pub mod scale;
mod svg;
pub mod time;
pub mod timeline;
pub mod timelines;
pub mod trend;
