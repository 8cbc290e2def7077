//! A variable of the environment for each flag: `PORTCULLIS_RUN_TIME` is `--run-time`.

use std::ffi::OsString;

use clap::builder::FalseyValueParser;
use clap::{Arg, ArgAction, Command, CommandFactory, Parser};
use portcullis_core::config::variable_of;

use super::Cli;

/// Parses a command line. A flag that is not given takes its value from its variable, unless
/// that is empty, as it is in CI systems for an input that was left open.
///
/// # Errors
/// clap's error, or its help.
pub fn parse<C: Parser>(arguments: Vec<OsString>) -> Result<C, clap::Error> {
    let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let mut matches = with_variables(C::command(), &is_set).try_get_matches_from(arguments)?;
    C::from_arg_matches_mut(&mut matches).map_err(|error| error.format(&mut C::command()))
}

/// The command with a variable for each flag of the product's own commands.
fn with_variables(command: Command, is_set: &dyn Fn(&str) -> bool) -> Command {
    let product = Cli::command();
    let names: Vec<String> =
        product.get_subcommands().map(|command| command.get_name().to_owned()).collect();
    names.iter().fold(command, |command, name| match command.find_subcommand(name) {
        Some(_) => command.mut_subcommand(name, |verb| in_verb(verb, is_set)),
        None => command,
    })
}

fn in_verb(verb: Command, is_set: &dyn Fn(&str) -> bool) -> Command {
    let verb = verb.mut_args(|argument| in_argument(argument, is_set));
    let below: Vec<String> =
        verb.get_subcommands().map(|command| command.get_name().to_owned()).collect();
    below.iter().fold(verb, |verb, name| verb.mut_subcommand(name, |below| in_verb(below, is_set)))
}

fn in_argument(argument: Arg, is_set: &dyn Fn(&str) -> bool) -> Arg {
    let Some(name) = argument.get_long().map(variable_of).filter(|name| is_set(name)) else {
        return argument;
    };
    // The help does not depend on the environment.
    let argument = argument.env(name).hide_env(true);
    match argument.get_action() {
        ArgAction::SetTrue => argument.value_parser(FalseyValueParser::new()),
        // Several values stand in lines of their own.
        ArgAction::Append => argument.value_delimiter('\n'),
        _ => argument,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_flag_has_a_variable_that_nothing_else_uses() {
        let command = with_variables(Cli::command(), &|_| true);
        let perf = command.find_subcommand("perf").unwrap();
        let variable = |arg: &Arg| arg.get_env().map(|name| name.to_str().unwrap().to_owned());
        let mut names: Vec<String> = perf.get_arguments().filter_map(variable).collect();
        assert!(names.iter().any(|name| name == "PORTCULLIS_RUN_TIME"), "{names:?}");
        assert_eq!(
            names.len(),
            perf.get_arguments().filter(|arg| arg.get_long().is_some()).count()
        );
        for own in ["PORTCULLIS_RUN", "PORTCULLIS_CACHE", "PORTCULLIS_ISOLATION"] {
            assert!(!names.iter().any(|name| name == own), "{own} has a meaning of its own");
        }
        names.dedup();
        let accept = command.find_subcommand("baseline").unwrap().find_subcommand("accept");
        assert!(accept.unwrap().get_arguments().any(|arg| arg.get_env().is_some()));
    }
}
