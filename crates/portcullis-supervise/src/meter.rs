//! The CPU time of all threads of a process tree, exact to the nanosecond and cheap: the
//! processes are searched from time to time, the clocks of their threads are read each
//! time.

use std::time::Duration;

use crate::tree;

/// The CPU clock of one process tree.
#[derive(Clone, Debug)]
pub struct Meter {
    root: u32,
    members: Vec<u32>,
}

impl Meter {
    /// A clock for the tree below a process.
    pub fn new(root: u32) -> Self {
        Self { root, members: tree::members(root) }
    }

    /// Searches the processes of the tree again.
    pub fn look(&mut self) {
        self.members = tree::members(self.root);
    }

    /// The CPU time of all threads of the tree; `None` if the system does not provide it (the
    /// first field of `schedstat`: proc(5)).
    pub fn cpu(&self) -> Option<Duration> {
        let mut sum = None;
        for pid in &self.members {
            let threads = std::fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten();
            for thread in threads.flatten() {
                let text = std::fs::read_to_string(thread.path().join("schedstat"));
                let field = text.ok().and_then(|t| t.split_whitespace().next()?.parse().ok());
                if let Some(ns) = field {
                    sum = Some(sum.unwrap_or(Duration::ZERO) + Duration::from_nanos(ns));
                }
            }
        }
        sum
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn what_is_computed_is_counted() {
        let meter = Meter::new(std::process::id());
        let before = meter.cpu().unwrap();
        let until = std::time::Instant::now() + Duration::from_millis(50);
        while std::time::Instant::now() < until {
            std::hint::black_box(0);
        }
        assert!(meter.cpu().unwrap() > before);
        assert_eq!(Meter { root: 0, members: Vec::new() }.cpu(), None);
    }
}
