//! Drawings as inline SVG, each a pure function from data to text.
//!
//! They are made by hand, not by a crate: the charting crates that were looked at
//! (charming, plotters, poloto) bring a script of megabytes, a raster back end,
//! or colours written into the elements. Here a drawing takes its colours from
//! the page's style by class, so that dark mode, print and the policy against
//! inline styles work; and a few hundred lines are all that four drawings need.

pub mod distribution;
pub mod evidence;
pub mod forest;
pub mod pairs;
pub mod scale;
mod svg;
pub mod time;
pub mod timeline;
pub mod timelines;
