//! The keys of both templates: everything that the content of a database depends on.

use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use portcullis_core::config::{ServiceKind, ServiceSection, When};
use portcullis_core::plan::{Seed, ServePlan};

use super::super::Project;
use super::super::environment::Venv;
use super::migrations::{self, Extent, Modules};
use super::sources::{self, Content, Ignored, Repository, Source, Unknown};
use crate::cache::cache_key::{Key, digest, digest_of};
use crate::run::{Role, Version};

/// The key of each level.
pub struct Keys {
    /// Of a database that was migrated only.
    pub migrated: String,
    /// Of a database that was migrated and seeded.
    pub seeded: String,
}

/// A source with the hash of its content.
struct Hashed {
    name: PathBuf,
    digest: [u8; 32],
}

/// The keys of a version's database.
///
/// # Errors
/// Something that the database depends on is unknown.
pub fn keys(version: Version<'_>, project: &Project, venv: Option<&Venv>) -> Result<Keys, Unknown> {
    let Version { context, plan, .. } = version;
    // Variables from the caller's shell are not part of any key, and may change anything.
    if let Some(name) = project.passed.first() {
        return Err(Unknown::Passed(name.clone()));
    }
    if plan.database.url.is_some() {
        return Err(Unknown::Hosted);
    }
    if plan.steps_at(When::BeforeMigrate).next().is_some() {
        return Err(Unknown::Step);
    }
    let may_keep =
        |service: &&ServiceSection| service.kind == ServiceKind::Command && !service.is_stateless;
    if let Some(service) = plan.services.iter().find(may_keep) {
        return Err(Unknown::Service(service.name.clone()));
    }
    let content = venv.and_then(|venv| venv.content.as_deref()).ok_or(Unknown::Private)?;
    let (hashed, modules) = read(&repository(version)?)?;
    let mut inputs = Vec::new();
    for (at, path) in plan.inputs.iter().enumerate() {
        sources::everything(path, Path::new(&format!("input {at}")), &mut inputs)?;
    }
    let (inputs, _) = read(&inputs)?;

    let mut migrated = beside_sources(plan, project, content);
    if let Some(path) = &project.leaking_env {
        add_file(&mut migrated, ".env", path)?;
    }
    add(&mut migrated, &inputs, |_| true);
    let extent = migrations::extent(&modules, &plan.migrate, &plan.django.settings);
    add(&mut migrated, &hashed, |path| match &extent {
        Extent::Modules(found) => found.contains(path),
        Extent::Data(found) => found.contains(path) || !is_module(path),
        Extent::All => true,
    });

    let mut seeded = Key::default();
    seeded.add("migrated", migrated.finish());
    let ignored = Ignored::new(&plan.django.ignore);
    add(&mut seeded, &hashed, |path| !ignored.has(path));
    seeded.add("seed user", plan.django.seed_user.as_deref().unwrap_or(""));
    // The base may use seeds that are not in its tree.
    for seed in &plan.seeds {
        match seed {
            Seed::Manage(arguments) => drop(seeded.add("seed manage", arguments.join("\0"))),
            Seed::File(source, path) => add_file(&mut seeded, source.name(), path)?,
        }
    }
    // Seeds use dates relative to the day.
    seeded.add("day", context.day().to_le_bytes());
    Ok(Keys { migrated: migrated.finish(), seeded: seeded.finish() })
}

/// The sources of a version: what git tracks or does not ignore in the working tree, or the
/// extracted files of the base.
fn repository(version: Version<'_>) -> Result<Vec<Source>, Unknown> {
    let Version { context, folder, plan } = version;
    if let Role::Base(base) | Role::BaseLoad(base) = folder.role() {
        let (top, files) = (&base.extracted.top, &base.extracted.files);
        return Repository { top, files, written: &[] }.sources();
    }
    let scratch = folder.scratch();
    let top = context.git(&plan.root, &scratch).top().ok_or(Unknown::NoFiles)?;
    let files = context.git(&top, &scratch).files().filter(|files| !files.is_empty());
    let files = files.ok_or(Unknown::NoFiles)?;
    // Files that a run may write itself do not influence a database.
    let run = &context.planned.plan;
    let baseline = run.baseline.as_ref().map(|baseline| baseline.file.clone());
    // CI systems that keep caches only within the checkout have these in the repository.
    let own = [run.output.clone(), context.cache.clone(), context.folder.path().to_owned()];
    let written = baseline.into_iter().chain(run.history.clone()).chain(own);
    let real = |path: &PathBuf| path.canonicalize().unwrap_or_else(|_| path.clone());
    let mut written: Vec<PathBuf> = written.map(|path| real(&path)).collect();
    written.retain(|path| !real(&plan.root).starts_with(path));
    Repository { top: &top, files: &files, written: &written }.sources()
}

/// Reads all sources once: their hashes, and the text of Python modules.
fn read(sources: &[Source]) -> Result<(Vec<Hashed>, Modules), Unknown> {
    let (mut hashed, mut modules) = (Vec::new(), Modules::new());
    for Source { name, content } in sources {
        let unreadable = |error| Unknown::Unreadable(name.display().to_string(), error);
        let digest = match content {
            Content::Nothing => digest_of(b"nothing"),
            Content::Link(text) => digest_of(&[b"link ", text.as_os_str().as_bytes()].concat()),
            Content::File(place) if is_module(name) => {
                let bytes = std::fs::read(place).map_err(unreadable)?;
                modules.insert(name.clone(), String::from_utf8_lossy(&bytes).into_owned());
                digest_of(&bytes)
            }
            Content::File(place) => digest(place).map_err(unreadable)?,
        };
        hashed.push(Hashed { name: name.clone(), digest });
    }
    Ok((hashed, modules))
}

fn is_module(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "py")
}

fn add(key: &mut Key, all: &[Hashed], counts: impl Fn(&Path) -> bool) {
    for Hashed { name, digest } in all.iter().filter(|one| counts(&one.name)) {
        key.add("file", name.as_os_str().as_bytes()).add("content", digest);
    }
}

fn add_file(key: &mut Key, name: &str, path: &Path) -> Result<(), Unknown> {
    let added = key.add_file(name, path).map(drop);
    added.map_err(|error| Unknown::Unreadable(path.display().to_string(), error))
}

/// The parts of the key other than files.
fn beside_sources(plan: &ServePlan, project: &Project, environment: &str) -> Key {
    let mut key = Key::default();
    key.add("format", "5").add("environment", environment);
    key.add("settings", &plan.django.settings).add("migrate", plan.migrate.join("\0"));
    // The programs decide how text is sorted.
    key.add("engine", plan.django.engine.name());
    key.add("programs", format!("{:?} {:?}", plan.database.binaries, plan.database.major));
    for service in &plan.services {
        key.add("service", format!("{service:?}"));
    }
    for pattern in &plan.django.ignore {
        key.add("ignore", pattern);
    }
    for (path, value) in &plan.django.overrides {
        key.add(&format!("override {path}"), value.to_string());
    }
    let mut fixed = project.fixed.clone();
    fixed.sort_unstable();
    fixed.dedup();
    for (name, value) in &fixed {
        key.add(&format!("variable {name}"), value);
    }
    key
}
