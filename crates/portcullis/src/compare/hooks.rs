//! Callbacks of pairs into process supervision: where both servers run, their CPU time, and
//! whether they are still running.

use std::time::{Duration, Instant};

use portcullis_core::compare::{Side, Sides};
use portcullis_core::event::{Event, PairProgress};
use portcullis_core::rng::{Domain, Rng};
use portcullis_core::target::Target;
use portcullis_load::Hooks;
use portcullis_supervise::meter::Meter;
use portcullis_supervise::placement;
use portcullis_supervise::port::Listeners;
use portcullis_supervise::server::Server;

use crate::run::RunContext;

/// The two servers of a comparison while pairs are made.
pub struct Stand<'r> {
    context: &'r RunContext<'r>,
    servers: &'r mut Sides<Server>,
    meters: Sides<Meter>,
    random: Rng,
    /// CPUs to choose from.
    cpus: Vec<usize>,
    /// Why the servers could not be placed, if so.
    pub unplaced: Option<String>,
    /// The side whose port another process has joined, and that process.
    pub stranger: Option<(Side, String)>,
    listeners: Sides<Listeners>,
    told: Option<Instant>,
    limit: Duration,
}

/// How often progress of pairs is reported.
const TOLD_EVERY: Duration = Duration::from_secs(1);

impl<'r> Stand<'r> {
    /// For two running servers.
    pub fn new(
        context: &'r RunContext<'r>,
        servers: &'r mut Sides<Server>,
        targets: &Sides<Target>,
        cpus: &[usize],
        limit: Duration,
    ) -> Self {
        let meter = |server: &Server| Meter::new(server.pid());
        let meters = Sides { base: meter(&servers.base), candidate: meter(&servers.candidate) };
        let seed = context.planned.plan.load.seed;
        let cpus = if cpus.is_empty() { placement::usable() } else { cpus.to_vec() };
        Self {
            context,
            servers,
            meters,
            random: Rng::stream(seed, Domain::Placement, 0),
            cpus,
            unplaced: None,
            stranger: None,
            listeners: Sides {
                base: Listeners::new(targets.base.port),
                candidate: Listeners::new(targets.candidate.port),
            },
            told: None,
            limit,
        }
    }
}

impl Hooks for Stand<'_> {
    fn place(&mut self) {
        self.meters.base.look();
        self.meters.candidate.look();
        if self.unplaced.is_some() {
            return;
        }
        let drawn = self.cpus.get(self.random.below(self.cpus.len() as u64) as usize);
        let roots = [self.servers.base.pid(), self.servers.candidate.pid()];
        let placed = match drawn {
            Some(cpu) => placement::pin_trees(&roots, &[*cpu]),
            None => Err(placement::PlacementError::Unsupported),
        };
        if let Err(error) = placed {
            // Both servers must not stay on different CPUs for the rest of the run.
            let _ = placement::pin_trees(&roots, &self.cpus);
            self.unplaced = Some(error.to_string());
        }
    }

    fn secret(&mut self, token: &str) {
        self.context.hide(token);
    }

    fn cpu(&mut self, side: Side) -> Option<Duration> {
        self.meters.of(side).cpu()
    }

    fn goes_on(&mut self, pairs: usize, elapsed: Duration) -> bool {
        if self.told.is_none_or(|told| told.elapsed() >= TOLD_EVERY) {
            self.told = Some(Instant::now());
            let progress = PairProgress { elapsed, limit: self.limit, pairs: pairs as u64 };
            self.context.sink.event(&Event::Pairs(progress));
        }
        let is_gone = |server: &mut Server| server.ended_within(Duration::ZERO).is_some();
        let gone = is_gone(&mut self.servers.base) || is_gone(&mut self.servers.candidate);
        for side in [Side::Base, Side::Candidate] {
            let stranger = self.servers.of(side).stranger(self.listeners.of_mut(side));
            self.stranger = self.stranger.take().or(stranger.map(|who| (side, who)));
        }
        !gone
            && self.stranger.is_none()
            && self.context.interrupts.signal().is_none()
            && !self.context.is_overdue()
    }
}
