//! Where and how a baseline was measured: latencies of two machines, or of two
//! configurations, say nothing of two versions.

/// Where and how figures were measured.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Origin {
    /// The machine.
    pub machine: Fingerprint,
    /// A hash of the configuration that made the load and the server
    /// ([`crate::config::to_measured_toml`]).
    pub configuration: String,
}

/// What a machine can be told by. Two machines of one make pass for the same.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Fingerprint {
    /// Operating system and architecture.
    pub system: String,
    /// Logical processors that may be used.
    pub cores: u64,
    /// Model of the processor, where it can be told.
    pub processor: Option<String>,
    /// Memory in bytes, where it can be told.
    pub memory_bytes: Option<u64>,
    /// Processors that a quota allows, where there is one.
    pub quota_cores: Option<f64>,
}

/// Kernels of one machine tell its memory with small differences.
const SAME_MEMORY: f64 = 0.1;

impl Fingerprint {
    /// How a machine differs from `here`, each in a few words.
    fn differences(&self, here: &Self) -> Vec<String> {
        let mut found = Vec::new();
        let mut note = |there: &str, here: &str| {
            if there != here {
                found.push(format!("{there}, here {here}"));
            }
        };
        let told = |text: &Option<String>| text.clone().unwrap_or("unknown CPU".to_owned());
        let cores = |n: u64| if n == 1 { "1 core".to_owned() } else { format!("{n} cores") };
        let quota = |quota: Option<f64>| match quota {
            Some(cores) => format!("a quota of {cores} cores"),
            None => "no quota".to_owned(),
        };
        note(&self.system, &here.system);
        note(&told(&self.processor), &told(&here.processor));
        note(&cores(self.cores), &cores(here.cores));
        note(&quota(self.quota_cores), &quota(here.quota_cores));
        if let (Some(there), Some(here)) = (self.memory_bytes, here.memory_bytes) {
            let (there, here) = (there as f64, here as f64);
            if (there - here).abs() > SAME_MEMORY * there.max(here) {
                let gib = |bytes: f64| format!("{:.1} GiB", bytes / f64::from(1 << 30));
                note(&gib(there), &gib(here));
            }
        }
        found
    }
}

impl Origin {
    /// How figures of this origin differ from those measured `here`, in words.
    pub fn differs_from(&self, here: &Self) -> Option<String> {
        let machine = self.machine.differences(&here.machine);
        let is_other = self.configuration != here.configuration;
        let machines = match machine.is_empty() {
            true => None,
            false => Some(format!("on a different machine ({})", machine.join("; "))),
        };
        match (machines, is_other) {
            (None, false) => None,
            (None, true) => Some("measured with a different configuration".to_owned()),
            (Some(machine), false) => Some(format!("measured {machine}")),
            (Some(machine), true) => {
                Some(format!("measured {machine} and with a different configuration"))
            }
        }
    }
}
