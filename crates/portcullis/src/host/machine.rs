//! Facts about the machine; unknown ones are left out.

use std::time::{SystemTime, UNIX_EPOCH};

use portcullis_report::Machine;
use portcullis_report::rfc3339;

/// The current time in the format of results.
pub fn now_rfc3339() -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    rfc3339(u64::try_from(since.as_millis()).unwrap_or(0))
}

/// Describes this machine.
pub fn describe() -> Machine {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let field = |text: &str, name: &str| {
        let line = text.lines().find(|line| line.starts_with(name))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    };
    let kib = field(&read("/proc/meminfo"), "MemTotal");
    let kib = kib.and_then(|text| text.split_whitespace().next()?.parse::<u64>().ok());
    let load = read("/proc/loadavg");
    Machine {
        system: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
        cores: std::thread::available_parallelism().map_or(1, usize::from),
        processor: field(&read("/proc/cpuinfo"), "model name"),
        memory_bytes: kib.map(|kib| kib * 1024),
        load_at_start: load.split_whitespace().next().and_then(|text| text.parse().ok()),
        governor: governor(&read("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")),
        quota_cores: quota(&read("/sys/fs/cgroup/cpu.max")),
        steal_share: None,
    }
}

fn governor(text: &str) -> Option<String> {
    Some(text.trim()).filter(|name| !name.is_empty()).map(str::to_owned)
}

/// `max 100000`, or microseconds allowed in each period.
fn quota(text: &str) -> Option<f64> {
    let mut fields = text.split_whitespace().map(str::parse::<f64>);
    let (allowed, period) = (fields.next()?.ok()?, fields.next()?.ok()?);
    (period > 0.0).then(|| allowed / period)
}

/// CPU time since the start of the machine, in ticks of all CPUs.
#[derive(Clone, Copy, Debug)]
pub struct Ticks {
    all: f64,
    stolen: f64,
}

impl Ticks {
    /// The ticks now, if the system provides them.
    pub fn now() -> Option<Self> {
        Self::read(&std::fs::read_to_string("/proc/stat").ok()?)
    }

    /// The first line: user, nice, system, idle, iowait, irq, softirq, steal.
    fn read(stat: &str) -> Option<Self> {
        let fields = stat.lines().next()?.strip_prefix("cpu ")?.split_whitespace();
        let ticks: Vec<f64> = fields.map_while(|field| field.parse().ok()).collect();
        Some(Self { all: ticks.iter().take(8).sum(), stolen: *ticks.get(7)? })
    }

    /// CPU steal: the share that the host took between `start` and these.
    pub fn stolen_since(self, start: Self) -> Option<f64> {
        let all = self.all - start.all;
        (all > 0.0).then(|| (self.stolen - start.stolen) / all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quota_and_steal_are_read_as_the_kernel_writes_them() {
        assert_eq!((quota("max 100000\n"), quota("150000 100000\n")), (None, Some(1.5)));
        let ticks = |text: &str| Ticks::read(text).unwrap();
        let start = ticks("cpu  10 0 10 80 0 0 0 0 0 0\ncpu0 1\n");
        let end = ticks("cpu  40 0 20 120 0 0 0 20 5 0\n");
        assert_eq!(end.stolen_since(start), Some(0.2));
    }
}
