//! The formats of reports on the command line: a flag for each format that has one.

use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches};
use portcullis_report::format::{Flag, Format};
use portcullis_report::formats::FORMATS;

/// The selected formats by their flags, from the list of all formats.
#[derive(Clone, Debug, Default)]
pub struct Formats(pub Vec<&'static Format>);

impl Args for Formats {
    fn augment_args(command: Command) -> Command {
        let mut flags: Vec<Flag> = FORMATS.iter().filter_map(|format| format.flag).collect();
        flags.sort_by_key(|flag| flag.place);
        let argument = |flag: Flag| {
            let argument = Arg::new(flag.name).long(flag.name).help(flag.help);
            argument.action(ArgAction::SetTrue)
        };
        command.args(flags.into_iter().map(argument))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for Formats {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let is_asked =
            |format: &&Format| format.flag.is_some_and(|flag| matches.get_flag(flag.name));
        Ok(Self(FORMATS.iter().filter(is_asked).collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}
