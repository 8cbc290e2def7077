//! Converts flags for the rooms below: values that override the configuration file, and the
//! options of a run and of its console.

use portcullis_core::config::{FlagValue, MergeMode, Node, Place, Value};

use crate::args::{self, CheckArgs, PerfArgs};
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
        profile: args.profile.clone(),
        fresh: args.fresh,
        strict: args.strict,
        strict_gate: args.strict_gate,
        repetitions: args.against_runs,
    }
}

/// The request of a plan from the flags of `perf`.
pub fn request(args: &PerfArgs) -> PlanRequest {
    PlanRequest {
        config: args.config.clone(),
        profile: args.profile.clone(),
        output: args.out.clone(),
        flags: of_perf(args),
        update_baseline: args.update_baseline,
        is_compared: args.against.is_some(),
    }
}

/// The flags of `perf` that set a key of the configuration.
fn of_perf(args: &PerfArgs) -> Vec<FlagValue> {
    let text = |value: &Option<String>| value.clone().map(Value::Text);
    let rate = args.spawn_rate.as_ref().map(|rate| match rate.parse::<f64>() {
        // As in Locust, a bare number is per second.
        Ok(_) => Value::Text(format!("{rate}/s")),
        Err(_) => Value::Text(rate.clone()),
    });
    let port = args.port.as_ref().map(|port| match port.parse::<i64>() {
        Ok(number) => Value::Integer(number),
        Err(_) => Value::Text(port.clone()),
    });
    let over = MergeMode::Over;
    given([
        ("--users", "load.users", args.users.map(Value::Integer), over),
        ("--spawn-rate", "load.spawn_rate", rate, over),
        ("--run-time", "load.duration", text(&args.run_time), over),
        ("--max-duration", "load.max_duration", text(&args.max_duration), over),
        ("--until-sure", "load.until_sure", args.until_sure.then_some(Value::Bool(true)), over),
        ("--host", "load.host", text(&args.host), over),
        ("--allow-host", "load.allow_hosts", texts("--allow-host", &args.allow_host), over),
        ("--seed", "load.seed", args.seed.map(Value::Integer), over),
        ("--port", "server.port", port, over),
        ("--fail", "thresholds.fail", texts("--fail", &args.fail), MergeMode::Behind),
        ("--warn", "thresholds.warn", texts("--warn", &args.warn), MergeMode::Behind),
        ("--against-limit", "against.limit", text(&args.against_limit), over),
    ])
}

/// The flags of `check` that set a key of the configuration.
pub fn of_check(args: &CheckArgs) -> Vec<FlagValue> {
    given([
        ("--fail", "thresholds.fail", texts("--fail", &args.fail), MergeMode::Behind),
        ("--warn", "thresholds.warn", texts("--warn", &args.warn), MergeMode::Behind),
    ])
}

/// A flag, the path of its key, its value if given, and how it is merged.
type Flag = (&'static str, &'static str, Option<Value>, MergeMode);

fn given<const N: usize>(flags: [Flag; N]) -> Vec<FlagValue> {
    let given = |(flag, path, value, laying): Flag| {
        value.map(|value| FlagValue { flag, path, value, laying })
    };
    flags.into_iter().filter_map(given).collect()
}

/// The values of a repeatable flag; `None` if there are none.
fn texts(flag: &'static str, texts: &[String]) -> Option<Value> {
    let at = Place::Flag(flag);
    let nodes = texts.iter().map(|text| Node { value: Value::Text(text.clone()), at });
    (!texts.is_empty()).then(|| Value::List(nodes.collect()))
}
