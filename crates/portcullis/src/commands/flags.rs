//! Converts flags for the rooms below: values that override the configuration file, and the
//! options of a run and of its console.

use portcullis_core::config::{FlagValue, MergeMode, Node, Place, Value, variable_of};

use crate::args::{self, CheckArgs, ConfigurationArgs, FromEnvironment, PerfArgs};
use crate::console::{ConsoleOptions, Format};
use crate::planning::PlanRequest;
use crate::run::RunOptions;

/// The options of the console from the flags of `perf`.
pub fn console(args: &PerfArgs) -> ConsoleOptions {
    let format = match args.format {
        args::Format::Text => Format::Text,
        args::Format::Json => Format::Json,
        args::Format::Jsonl => Format::Jsonl,
    };
    ConsoleOptions { format, quiet: args.quiet, verbose: args.verbose }
}

/// The options of a run from the flags of `perf`.
pub fn options(args: &PerfArgs) -> RunOptions {
    RunOptions {
        profile: args.configuration.profile.clone(),
        variables: variables(&args.configuration.from_environment),
        fresh: args.fresh,
        strict: args.strict,
        strict_gate: args.strict_gate,
        repetitions: args.against_runs,
    }
}

/// The variables of flags that came from the environment.
fn variables(from: &FromEnvironment) -> Vec<String> {
    from.0.iter().map(|name| variable_of(name)).collect()
}

/// The request of a plan from the flags of `perf`.
pub fn request(args: &PerfArgs) -> PlanRequest {
    let configuration = &args.configuration;
    let mut flags = of_configuration(configuration);
    let from = &configuration.from_environment;
    let limit = text(&args.against_limit);
    flags.extend(given(from, [("--against-limit", "against.limit", limit, MergeMode::Over)]));
    PlanRequest {
        config: configuration.config.clone(),
        profile: configuration.profile.clone(),
        output: args.out.clone(),
        flags,
        update_baseline: args.update_baseline,
        is_compared: args.against.is_some(),
    }
}

/// The flags that override the configuration. A flag of its own overrides `--set`.
pub fn of_configuration(args: &ConfigurationArgs) -> Vec<FlagValue> {
    let rate = args.spawn_rate.as_ref().map(|rate| match rate.parse::<f64>() {
        // As in Locust, a bare number is per second.
        Ok(_) => Value::Text(format!("{rate}/s")),
        Err(_) => Value::Text(rate.clone()),
    });
    let port = args.port.as_ref().map(|port| match port.parse::<i64>() {
        Ok(number) => Value::Integer(number),
        Err(_) => Value::Text(port.clone()),
    });
    let (over, from) = (MergeMode::Over, &args.from_environment);
    let mut flags = assigned(from, &args.set);
    flags.extend(given(
        from,
        [
            ("--users", "load.users", args.users.map(Value::Integer), over),
            ("--spawn-rate", "load.spawn_rate", rate, over),
            ("--run-time", "load.duration", text(&args.run_time), over),
            ("--max-duration", "load.max_duration", text(&args.max_duration), over),
            ("--until-sure", "load.until_sure", args.until_sure.then_some(Value::Bool(true)), over),
            ("--host", "load.host", text(&args.host), over),
            (
                "--allow-host",
                "load.allow_hosts",
                texts(from, "--allow-host", &args.allow_host),
                over,
            ),
            ("--seed", "load.seed", args.seed.map(Value::Integer), over),
            ("--port", "server.port", port, over),
            ("--fail", "thresholds.fail", texts(from, "--fail", &args.fail), MergeMode::Behind),
            ("--warn", "thresholds.warn", texts(from, "--warn", &args.warn), MergeMode::Behind),
        ],
    ));
    flags
}

/// The flags of `check` that set a key of the configuration.
pub fn of_check(args: &CheckArgs) -> Vec<FlagValue> {
    let from = &args.from_environment;
    let mut flags = assigned(from, &args.set);
    flags.extend(given(
        from,
        [
            ("--fail", "thresholds.fail", texts(from, "--fail", &args.fail), MergeMode::Behind),
            ("--warn", "thresholds.warn", texts(from, "--warn", &args.warn), MergeMode::Behind),
        ],
    ));
    flags
}

fn text(value: &Option<String>) -> Option<Value> {
    value.clone().map(Value::Text)
}

/// Where the value of a flag came from.
fn place(from: &FromEnvironment, flag: &'static str) -> Place {
    if from.has(flag) { Place::Environment(flag) } else { Place::Flag(flag) }
}

fn assigned(from: &FromEnvironment, set: &[String]) -> Vec<FlagValue> {
    let at = place(from, "--set");
    set.iter().map(|text| FlagValue::assigned(at, text)).collect()
}

/// A flag, the path of its key, its value if given, and how it is merged.
type Flag = (&'static str, &'static str, Option<Value>, MergeMode);

fn given<const N: usize>(from: &FromEnvironment, flags: [Flag; N]) -> Vec<FlagValue> {
    let given = |(flag, key, value, laying): Flag| {
        value.map(|value| FlagValue::new(place(from, flag), key, value, laying))
    };
    flags.into_iter().filter_map(given).collect()
}

/// The values of a repeatable flag; `None` if there are none.
fn texts(from: &FromEnvironment, flag: &'static str, texts: &[String]) -> Option<Value> {
    let at = place(from, flag);
    let nodes = texts.iter().map(|text| Node { value: Value::Text(text.clone()), at });
    (!texts.is_empty()).then(|| Value::List(nodes.collect()))
}
