//! The CPUs on which a process tree may run: set in the child before it becomes the
//! command, or from outside for all threads of a running tree.

/// Why processes could not be placed.
#[derive(Debug, thiserror::Error)]
pub enum PlacementError {
    /// This system cannot place processes.
    #[error("this system cannot pin processes to CPUs")]
    Unsupported,
    /// The CPU is not among those that this process may use.
    #[error("CPU {cpu} is not available here: use one of {usable:?}")]
    NotUsable {
        /// The requested CPU.
        cpu: usize,
        /// The CPUs that may be used.
        usable: Vec<usize>,
    },
    /// The system refused.
    #[error("the system refuses to pin process {pid} to CPUs {cpus:?}: {source}")]
    Refused {
        /// The process.
        pid: u32,
        /// The requested CPUs.
        cpus: Vec<usize>,
        /// Its reason.
        source: std::io::Error,
    },
}

pub use system::{pin_trees, set_own, usable, verify};

#[cfg(target_os = "linux")]
mod system {
    use std::collections::BTreeSet;
    use std::io;

    use rustix::process::Pid;
    use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

    use super::PlacementError;
    use crate::tree;

    /// The CPUs that this process may use, ascending.
    pub fn usable() -> Vec<usize> {
        let Ok(set) = sched_getaffinity(None) else { return Vec::new() };
        (0..CpuSet::MAX_CPU).filter(|cpu| set.is_set(*cpu)).collect()
    }

    /// Checks whether all these CPUs may be used here.
    ///
    /// # Errors
    /// The first CPU that may not be used.
    pub fn verify(cpus: &[usize]) -> Result<(), PlacementError> {
        let usable = usable();
        match cpus.iter().find(|cpu| !usable.contains(cpu)) {
            Some(cpu) => Err(PlacementError::NotUsable { cpu: *cpu, usable }),
            None => Ok(()),
        }
    }

    /// Places this process, and everything that it becomes or starts, on these CPUs.
    ///
    /// # Errors
    /// The system refuses: none of the CPUs can be used.
    pub fn set_own(cpus: &[usize]) -> io::Result<()> {
        Ok(sched_setaffinity(None, &set_of(cpus))?)
    }

    /// Places all threads of these trees on these CPUs. This is repeated until there is no new
    /// thread, because a thread that starts meanwhile may have inherited the old CPUs.
    ///
    /// # Errors
    /// The system refuses. A thread that has ended meanwhile is not an error.
    pub fn pin_trees(roots: &[u32], cpus: &[usize]) -> Result<(), PlacementError> {
        let set = set_of(cpus);
        let mut placed = BTreeSet::new();
        loop {
            let before = placed.len();
            for thread in roots.iter().flat_map(|root| threads(*root)) {
                if placed.insert(thread) {
                    place(thread, &set).map_err(|source| PlacementError::Refused {
                        pid: thread,
                        cpus: cpus.to_vec(),
                        source,
                    })?;
                }
            }
            if placed.len() == before {
                return Ok(());
            }
        }
    }

    fn place(thread: u32, set: &CpuSet) -> io::Result<()> {
        let Some(id) = i32::try_from(thread).ok().and_then(Pid::from_raw) else { return Ok(()) };
        match sched_setaffinity(Some(id), set) {
            Err(rustix::io::Errno::SRCH) => Ok(()),
            other => Ok(other?),
        }
    }

    /// The threads of a tree.
    fn threads(root: u32) -> Vec<u32> {
        let tasks = |pid| std::fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten();
        let ids = tree::members(root).into_iter().flat_map(tasks).flatten();
        ids.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
    }

    fn set_of(cpus: &[usize]) -> CpuSet {
        let mut set = CpuSet::new();
        cpus.iter().filter(|cpu| **cpu < CpuSet::MAX_CPU).for_each(|cpu| set.set(*cpu));
        set
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn a_cpu_that_is_not_there_is_named() {
            let error = verify(&[CpuSet::MAX_CPU - 1]).unwrap_err().to_string();
            assert!(error.contains("CPU 1023 is not available"), "{error}");
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    use super::PlacementError;

    /// On this system no CPU can be chosen.
    pub fn usable() -> Vec<usize> {
        Vec::new()
    }

    /// Accepts only an empty list.
    ///
    /// # Errors
    /// A CPU is named.
    pub fn verify(cpus: &[usize]) -> Result<(), PlacementError> {
        if cpus.is_empty() { Ok(()) } else { Err(PlacementError::Unsupported) }
    }

    /// Does nothing, because `verify` refuses every CPU.
    ///
    /// # Errors
    /// None.
    pub fn set_own(_: &[usize]) -> std::io::Result<()> {
        Ok(())
    }

    /// Not possible on this system.
    ///
    /// # Errors
    /// Always.
    pub fn pin_trees(_: &[u32], _: &[usize]) -> Result<(), PlacementError> {
        Err(PlacementError::Unsupported)
    }
}
