//! The rules for a file: those of a configuration file, or those in our own results.

use std::cell::OnceCell;

use portcullis_core::check::looser_rules;
use portcullis_core::config::{self, Config, any_variable};
use portcullis_core::judge::Finding;
use portcullis_core::threshold::{Labels, Threshold};

use crate::args::CheckArgs;
use crate::commands::flags;
use crate::planning;

/// The configuration file, read when it is first needed.
pub struct Configured<'a> {
    args: &'a CheckArgs,
    read: OnceCell<Result<Rules, Vec<String>>>,
}

/// Rules with their origin.
#[derive(Clone, Debug)]
pub struct Rules {
    /// The configuration with the rules.
    pub config: Config,
    /// Their origin, in a few words.
    pub source: String,
    /// Whether they are exactly those of the run itself.
    pub is_own: bool,
}

impl Rules {
    /// A message for each rule that cannot be violated.
    pub fn vacuous(&self) -> impl Iterator<Item = String> {
        let rules = self.config.thresholds.iter().filter(|rule| rule.is_vacuous());
        rules.map(Threshold::vacuous_in_words)
    }
}

impl<'a> Configured<'a> {
    /// From these flags; nothing is read yet.
    pub fn new(args: &'a CheckArgs) -> Self {
        Self { args, read: OnceCell::new() }
    }

    /// The rules of the configuration file.
    ///
    /// # Errors
    /// All its problems.
    pub fn rules(&self) -> Result<Rules, Vec<Finding>> {
        let (file, profile) = (self.args.config.as_deref(), self.args.profile.as_deref());
        let read = self.read.get_or_init(|| {
            // A label may be the name of a row in the file that is not in the scenario.
            let (file, loaded) = planning::configuration(
                file,
                profile,
                &flags::of_check(self.args),
                Labels::Any,
                &any_variable,
            )
            .map_err(|problems| problems.iter().map(ToString::to_string).collect::<Vec<_>>())?;
            let profile = profile.map(|name| format!(", profile {name}")).unwrap_or_default();
            let more = self.more();
            let source = format!("{}{profile}{more}", planning::shown(&file));
            Ok(Rules { config: loaded.config, source, is_own: false })
        });
        read.clone().map_err(|problems| problems.into_iter().map(Finding::refused).collect())
    }

    /// The rules added by flags, in a few words.
    fn more(&self) -> &'static str {
        if self.args.fail.is_empty() && self.args.warn.is_empty() { "" } else { ", and flags" }
    }

    /// Where the rules of a run are looser than those of the configuration file. Rules of the
    /// command line do not count: they are meant to be stricter.
    pub fn looser(&self, rules: &Rules, own: &[Threshold]) -> Vec<String> {
        let added = |rule: &&Threshold| {
            self.args.fail.contains(&rule.text) || self.args.warn.contains(&rule.text)
        };
        let given = rules.config.thresholds.iter().filter(|rule| !added(rule)).cloned();
        if self.is_named() { looser_rules(&given.collect::<Vec<_>>(), own) } else { Vec::new() }
    }

    /// Whether warnings fail too.
    pub fn is_strict(&self) -> bool {
        self.args.strict
    }

    /// Whether rules were given on the command line.
    pub fn is_named(&self) -> bool {
        self.args.config.is_some() || self.args.profile.is_some()
    }

    /// The rules in the results, unless others are given.
    ///
    /// # Errors
    /// The problems of the configuration.
    pub fn rules_or(&self, carried: &str) -> Result<Rules, Vec<Finding>> {
        if self.is_named() {
            return self.rules();
        }
        let flags = flags::of_check(self.args);
        let loaded = config::load_with(carried, None, &flags, Labels::Any, &any_variable).map_err(
            |problems| {
                let show = |problem: &config::Problem| {
                    let problem = problem.show("the configuration in the file");
                    let advice = "its secrets are removed; choose another with --config";
                    Finding::refused(format!("{problem} ({advice})"))
                };
                problems.iter().map(show).collect::<Vec<Finding>>()
            },
        )?;
        let source = format!("the run's own configuration{}", self.more());
        let is_own = flags.is_empty() && !self.args.strict;
        Ok(Rules { config: loaded.config, source, is_own })
    }
}
