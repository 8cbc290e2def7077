//! The machine and configuration of a baseline. Latencies from two machines, or from two
//! configurations, do not show a difference between two versions.

/// The machine and configuration of figures.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Origin {
    /// The machine.
    pub machine: Fingerprint,
    /// A hash of the configuration of the load and the server
    /// ([`crate::config::to_measured_toml`]).
    pub configuration: String,
}

/// The properties that identify a machine. Two machines of one model count as the same.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Fingerprint {
    /// Operating system and architecture.
    pub system: String,
    /// Logical CPUs that may be used.
    pub cores: u64,
    /// The model of the CPU, if known.
    pub processor: Option<String>,
    /// Memory in bytes, if known.
    pub memory_bytes: Option<u64>,
    /// CPUs that a quota allows, if there is one.
    pub quota_cores: Option<f64>,
}

/// Kernels report slightly different memory on one machine.
const SAME_MEMORY: f64 = 0.1;

impl Fingerprint {
    /// The differences of a machine from `here`, each in a few words.
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
    /// The differences of this origin from `here`, in words.
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
