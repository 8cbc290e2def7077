"""The tasks of perf.toml in Locust, with its faster client. A body is parsed only
if a check reads it."""

import json
import os
import random

from locust import FastHttpUser, constant, events

with open(os.environ["BENCH_SCENARIO"], encoding="utf-8") as file:
    SCENARIO = json.load(file)


def task(description):
    name, paths = description["name"], description["paths"]
    array, at_least = description["array"], description["min_items"]

    def plain(user):
        user.client.get(random.choice(paths), name=name, headers=user.headers)

    def checked(user):
        path = random.choice(paths)
        with user.client.get(
            path, name=name, headers=user.headers, catch_response=True
        ) as answer:
            if answer.status_code != 200:
                answer.failure("status")
            elif len(answer.json()[array]) < at_least:
                answer.failure("too few items")

    return checked if array else plain


class Visitor(FastHttpUser):
    wait_time = constant(float(os.environ["BENCH_WAIT_S"]))
    tasks = {task(description): description["weight"] for description in SCENARIO["tasks"]}

    def on_start(self):
        login = SCENARIO["login"]
        answer = self.client.post(login["path"], json=login["json"])
        self.headers = {"Authorization": "Bearer " + answer.json()[login["token"]]}


@events.quitting.add_listener
def tell(environment, **_):
    total = environment.stats.total
    figures = {
        "requests": total.num_requests,
        "failed": total.num_failures,
        "p50_ms": total.get_response_time_percentile(0.5),
        "p99_ms": total.get_response_time_percentile(0.99),
    }
    print(json.dumps(figures), flush=True)
