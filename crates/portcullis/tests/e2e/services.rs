//! Services that `perf.toml` names: up before the migrations, down after the server, and
//! a failure of theirs is a failure of the run.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::harness::{HANG, Outcome, Project, is_of_a_busy_machine, processes_with, root, wait};

const MANAGE: &str = "\
import os, sys
from django.core.management import execute_from_command_line
os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'own.settings')
execute_from_command_line(sys.argv)
";
const SETTINGS: &str = "\
import os
SECRET_KEY = 'x'
ALLOWED_HOSTS = ['*']
ROOT_URLCONF = 'own.urls'
INSTALLED_APPS = ['django.contrib.auth', 'django.contrib.contenttypes']
DATABASES = {'default': {'ENGINE': 'django.db.backends.sqlite3', 'NAME': 'own.sqlite3'}}
REDIS_PORT = 0
";
const URLS: &str = "\
import socket
from django.conf import settings
from django.core.mail import send_mail
from django.http import HttpResponse
from django.urls import path


def redis(command):
    with socket.create_connection(('127.0.0.1', settings.REDIS_PORT), 5) as server:
        server.sendall(command + b'\\r\\n')
        return server.recv(100)


def count(request):
    answer = redis(b'INCR calls')
    return HttpResponse(answer, status=200 if answer.startswith(b':') else 500)


def mail(request):
    send_mail('a subject', 'never-shown-5d1', 'a@example.org', ['b@example.org'])
    return HttpResponse('sent')


urlpatterns = [
    path('health/', lambda request: HttpResponse('fine')),
    path('count/', count),
    path('mail/', mail),
]
";
const REDIS: &str = "[[service]]\nkind = \"redis\"\n";
const SMTP: &str = "[[service]]\nkind = \"smtp\"\n";

/// A small Django project with these services; its tasks are named by their paths.
fn project(services: &str, tasks: &[&str]) -> Project {
    let project = Project::bundled();
    let service = project.folder().join("service");
    std::fs::create_dir_all(service.join("own")).unwrap();
    for (name, text) in [
        ("manage.py", MANAGE),
        ("own/__init__.py", ""),
        ("own/settings.py", SETTINGS),
        ("own/urls.py", URLS),
        ("seed.py", "print('seeded')\n"),
    ] {
        std::fs::write(service.join(name), text).unwrap();
    }
    // A template needs to know which files there are.
    let git = Command::new("git").args(["init", "-q"]).current_dir(&service).status().unwrap();
    assert!(git.success());
    let lock = root().join("fixtures/upstream/requirements.lock");
    let task = |name: &&str| format!("[[scenario.task]]\nname = \"{name}\"\npath = \"/{name}/\"\n");
    let tasks: String = tasks.iter().map(task).collect();
    let config = format!(
        "[project]\nroot = {service:?}\nrequirements = [{lock:?}]\n\
         [django]\nsettings = \"own.settings\"\nseed = {:?}\n\
         [django.overrides]\nREDIS_PORT = \"{{service.redis.port}}\"\n\
         {services}\
         [server]\nport = \"auto\"\n\
         [load]\nusers = 1\nduration = \"2s\"\n\
         [scenario]\nwait = {{ constant = \"100ms\" }}\n{tasks}\
         [thresholds]\nfail = [\"error_rate < 1%\"]\n",
        service.join("seed.py"),
    );
    project.reconfigured(config)
}

/// The run is green, or only the machine was too busy for it, and says all of these.
fn expect_fine(outcome: &Outcome, parts: &[&str]) {
    let is_busy = is_of_a_busy_machine(outcome.code, &outcome.text);
    assert!(outcome.code == Some(0) || is_busy, "{:?}\n{}", outcome.code, outcome.text);
    for part in parts {
        assert!(outcome.text.contains(part), "no {part:?} in:\n{}", outcome.text);
    }
}

/// One run, which is not repeated on a busy machine: what was before it matters.
fn once(project: &Project) -> Outcome {
    project.finish(project.command(&[]).spawn().unwrap())
}

/// The detail of a stage in the results, and how it ended; the last one of its name.
fn stage(outcome: &Outcome, name: &str) -> (String, String) {
    let results = outcome.results();
    let stages = results["stages"].as_array().unwrap();
    let stage = stages.iter().rfind(|stage| stage["stage"] == name).unwrap();
    let text = |key: &str| stage[key].as_str().unwrap_or_default().to_owned();
    (text("detail"), text("end"))
}

fn start(project: &Project, flags: &[&str]) -> Child {
    let said = std::fs::File::create(project.folder().join("said")).unwrap();
    let mut command = project.command(flags);
    command.stdout(said.try_clone().unwrap()).stderr(said);
    command.spawn().unwrap()
}

fn wait_for(project: &Project, text: &str, child: &mut Child) {
    let begun = Instant::now();
    loop {
        let said = std::fs::read_to_string(project.folder().join("said")).unwrap_or_default();
        if said.contains(text) {
            return;
        }
        assert!(child.try_wait().unwrap().is_none(), "ended before {text:?}:\n{said}");
        assert!(begun.elapsed() < HANG, "never said {text:?}:\n{said}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The processes of a run whose command has this text.
fn processes(project: &Project, text: &str) -> Vec<String> {
    let all = processes_with(&project.tmp());
    let own = all.iter().filter(|process| process.contains(text));
    own.filter_map(|process| process.split(' ').next()).map(str::to_owned).collect()
}

fn expect_nothing_left(project: &Project) {
    let begun = Instant::now();
    loop {
        let folders: Vec<_> = std::fs::read_dir(project.tmp()).unwrap().flatten().collect();
        let left = processes_with(&project.tmp());
        if left.is_empty() && folders.is_empty() {
            return;
        }
        assert!(begun.elapsed() < Duration::from_secs(20), "left: {left:?} {folders:?}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn services_run_beside_the_server_and_reach_it_by_their_ports() {
    let services = format!(
        "{REDIS}[[service]]\nkind = \"smtp\"\n\
         [[service]]\nname = \"files\"\nready = \"/manage.py\"\n\
         argv = [\"{{python}}\", \"-m\", \"http.server\", \"--bind\", \"127.0.0.1\", \"{{port}}\"]\n"
    );
    let outcome = project(&services, &["count", "mail"]).run(&[]);
    expect_fine(&outcome, &["services", "redis on 127.0.0.1:", "smtp on ", "files on "]);
    assert!(outcome.artifact("logs/service-smtp.log").contains("took a mail of "));
    assert!(outcome.artifact("logs/service-files.log").contains("/manage.py"));
    assert!(!outcome.artifact("logs/service-smtp.log").contains("never-shown"));
    assert!(outcome.has("logs/service-redis.log"));
}

#[test]
#[ignore = "long: cargo xtask test --full"]
fn a_service_that_is_not_ready_is_named_with_its_log() {
    let of = |keys: &str| {
        project(&format!("{REDIS}[[service]]\nname = \"search\"\n{keys}\n"), &["count"]).run(&[])
    };
    let ended = of("argv = [\"sh\", \"-c\", \"echo no licence; exit 7\"]");
    ended.expect(3, &["the service \"search\" ended before it was ready", "7", "no licence"]);
    let late = of("argv = [\"sleep\", \"60\", \"{port}\"]\nready = \"port\"\ntimeout = \"1s\"");
    late.expect(3, &["the service \"search\" was not ready within 1 s: it does not listen"]);
    let late = of("argv = [\"sleep\", \"60\"]\nready = [\"false\"]\ntimeout = \"1s\"");
    late.expect(3, &["was not ready within 1 s: false ended with exit status: 1"]);
    of("argv = [\"no-such-program\"]").expect(3, &["no-such-program cannot be started"]);
}

#[test]
#[ignore = "long: cargo xtask test --full"]
fn a_service_that_dies_in_mid_run_is_no_measurement() {
    let project = project(&format!("{REDIS}{SMTP}"), &["health"]);
    let mut child = start(&project, &["-t", "6s"]);
    wait_for(&project, "load 1/6 s", &mut child);
    let mail = processes(&project, "smtp.py");
    assert_eq!(mail.len(), 1, "{mail:?}");
    assert!(Command::new("kill").args(["-KILL", &mail[0]]).status().unwrap().success());
    let output = wait(child);
    let said = std::fs::read_to_string(project.folder().join("said")).unwrap();
    assert_eq!(output.status.code(), Some(4), "{said}");
    assert!(said.contains("the service \"smtp\" has ended"), "{said}");
    expect_nothing_left(&project);
}

#[test]
#[ignore = "long: cargo xtask test --full"]
fn whoever_of_a_run_is_killed_no_service_is_left() {
    let project = project(&format!("{REDIS}{SMTP}"), &["count"]);
    for victims in ["guard", "worker", "both"] {
        let mut child = start(&project, &["-t", "60s"]);
        wait_for(&project, "load 1/60 s", &mut child);
        assert_eq!(processes(&project, "smtp.py").len(), 1);
        // Redis writes its title over its environment, in which it would be found.
        let said = std::fs::read_to_string(project.folder().join("said")).unwrap();
        let port = said.split_once("redis on ").unwrap().1.split([',', '\n']).next().unwrap();
        let port = port.trim().to_owned();
        assert!(std::net::TcpStream::connect(&port).is_ok(), "{port}");
        let worker = std::fs::read_to_string(format!("/proc/{0}/task/{0}/children", child.id()));
        let worker = worker.unwrap().split_whitespace().next().unwrap().to_owned();
        let guard = child.id().to_string();
        let victims: &[&str] = match victims {
            "guard" => &[&guard],
            "worker" => &[&worker],
            _ => &[&guard, &worker],
        };
        let killed = Command::new("kill").arg("-KILL").args(victims).status().unwrap();
        assert!(killed.success());
        wait(child);
        if victims.len() == 2 {
            // Nobody of the run is left to end the rest: the next run does.
            expect_fine(&once(&project), &["an earlier run was killed"]);
        }
        expect_nothing_left(&project);
        assert!(std::net::TcpStream::connect(&port).is_err(), "Redis is left at {port}");
    }
}

#[test]
#[ignore = "long: cargo xtask test --full"]
fn a_database_is_only_cached_if_no_service_has_a_part_of_it() {
    let cached = project(REDIS, &["count"]);
    expect_fine(&cached.run(&[]), &["redis on 127.0.0.1:"]);
    let again = cached.run(&[]);
    assert_eq!(stage(&again, "seed").1, "cached", "{}", again.text);
    // A seed that puts something into Redis must run each time.
    let filled = project(REDIS, &["count"]);
    let seed = filled.folder().join("service/seed.py");
    std::fs::write(&seed, "from own.urls import redis\nprint(redis(b'SET a 1'))\n").unwrap();
    for _ in 0..2 {
        let outcome = filled.run(&[]);
        expect_fine(&outcome, &["not cached: the service \"redis\" has 1 keys"]);
        assert_eq!(stage(&outcome, "seed").1, "done");
    }
    // Of a command nobody knows.
    let argv = "[[service]]\nname = \"other\"\nargv = [\"sleep\", \"600\"]\n";
    let unknown = project(&format!("{REDIS}{argv}"), &["count"]).run(&[]);
    expect_fine(&unknown, &["the service \"other\" may keep a part of the data"]);
}

#[test]
#[ignore = "long: cargo xtask test --full"]
fn both_versions_of_a_comparison_have_services_of_their_own() {
    let project = project(REDIS, &["count"]);
    let service = project.folder().join("service");
    let git = |arguments: &[&str]| {
        let identity = ["-c", "user.name=a", "-c", "user.email=a@example.org"];
        let mut git = Command::new("git");
        git.args(identity).args(arguments).current_dir(&service).stdout(Stdio::null());
        assert!(git.status().unwrap().success());
    };
    git(&["add", "-A"]);
    git(&["commit", "-qm", "all"]);
    let flags = ["--against", "HEAD", "--against-limit", "3s"];
    let outcome = project.run(&flags);
    expect_fine(&outcome, &[]);
    for side in ["base", "pairs"] {
        assert!(outcome.has(&format!("logs/{side}-service-redis.log")), "{side}");
    }
    let results = outcome.results();
    let stages = results["stages"].as_array().unwrap();
    let details = stages.iter().filter(|stage| stage["stage"] == "services");
    let mut details: Vec<&str> = details.filter_map(|stage| stage["detail"].as_str()).collect();
    details.dedup();
    assert_eq!(details.len(), 3, "{details:?}");
}

/// A worker of the project's Celery application does what a view asks for.
#[test]
#[ignore = "long: cargo xtask test --full"]
fn a_celery_worker_works_for_the_service() {
    let services = format!("{REDIS}[[service]]\nkind = \"celery\"\n");
    let project = project(&services, &["task"]);
    let service = project.folder().join("service");
    let drivers = project.folder().join("drivers.txt");
    std::fs::write(&drivers, "celery[redis]==5.5.3\n").unwrap();
    std::fs::write(
        service.join("own/celery.py"),
        "import os\nfrom celery import Celery\n\
         os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'own.settings')\n\
         app = Celery('own', broker=os.environ['BROKER'], backend=os.environ['BROKER'])\n\n\n\
         @app.task\ndef users():\n    import django\n    django.setup()\n    \
         from django.contrib.auth.models import User\n    \
         from django.conf import settings\n    \
         return [User.objects.count(), str(settings.DATABASES['default']['NAME'])]\n",
    )
    .unwrap();
    std::fs::write(service.join("own/__init__.py"), "from .celery import app as celery\n").unwrap();
    let urls = URLS.replace(
        "urlpatterns = [",
        "def task(request):\n    from own.celery import users\n    \
         count, name = users.delay().get(timeout=20)\n    \
         own = count == 0 and 'portcullis-' in name\n    \
         return HttpResponse(name, status=200 if own else 500)\n\n\n\
         urlpatterns = [\n    path('task/', task),",
    );
    std::fs::write(service.join("own/urls.py"), urls).unwrap();
    let lock = root().join("fixtures/upstream/requirements.lock");
    let project = project
        .with(
            &format!("requirements = [{lock:?}]"),
            &format!("requirements = [{lock:?}, {drivers:?}]"),
        )
        .with(
            "[django]\n",
            "[env]\nset = { BROKER = \"redis://127.0.0.1:{service.redis.port}/0\" }\n[django]\n",
        );
    let outcome = project.run(&[]);
    expect_fine(&outcome, &["services", "celery"]);
    assert!(outcome.artifact("logs/service-celery.log").contains("succeeded"));
    let second = project.run(&[]);
    expect_fine(&second, &["restored from cache"]);
}

/// Through the variables of HTTP proxies, which also reach the server.
#[test]
#[ignore = "long: cargo xtask test --full"]
fn the_way_out_can_be_shut() {
    let proxied = "def out(request):\n    import os\n    \
         names = ('HTTP_PROXY', 'https_proxy', 'ALL_PROXY')\n    \
         shut = all(os.environ.get(name) == 'http://127.0.0.1:9' for name in names)\n    \
         return HttpResponse('x', status=200 if shut else 500)\n\n\n\
         urlpatterns = [\n    path('out/', out),";
    let project = project(&format!("{REDIS}[outgoing]\nshut = true\n"), &["out"]);
    let urls = project.folder().join("service/own/urls.py");
    std::fs::write(urls, URLS.replace("urlpatterns = [", proxied)).unwrap();
    expect_fine(&project.run(&[]), &["redis on "]);
}
